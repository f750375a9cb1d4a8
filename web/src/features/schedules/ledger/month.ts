/** The days of a month (`2026-11`) in weeks that begin with Monday; null where another month's would stand. */
export function weeksOf(month: string): (string | null)[][] {
  const [year = 0, number = 1] = month.split('-').map(Number)
  const count = new Date(Date.UTC(year, number, 0)).getUTCDate()
  const before = (new Date(Date.UTC(year, number - 1, 1)).getUTCDay() + 6) % 7
  const cells: (string | null)[] = Array.from({ length: before }, () => null)
  for (let day = 1; day <= count; day++) cells.push(`${month}-${String(day).padStart(2, '0')}`)
  while (cells.length % 7 > 0) cells.push(null)
  return Array.from({ length: cells.length / 7 }, (_, week) => cells.slice(week * 7, week * 7 + 7))
}

/** That many months later. */
export function monthAfter(month: string, count: number): string {
  const [year = 0, number = 1] = month.split('-').map(Number)
  return new Date(Date.UTC(year, number - 1 + count, 1)).toISOString().slice(0, 7)
}

/** What is in an address may be anything. */
export const isMonth = (text: string | undefined): text is string =>
  text !== undefined && /^[12]\d{3}-(0[1-9]|1[0-2])$/.test(text)

export const isDay = (text: string | undefined): text is string =>
  text !== undefined && isMonth(text.slice(0, 7)) && weeksOf(text.slice(0, 7)).flat().includes(text)
