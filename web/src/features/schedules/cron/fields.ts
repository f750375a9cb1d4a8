/** The values that a field of a cron expression names, or how far apart they are. */
export type Field = { every: number } | { values: number[] }

interface Kind {
  first: number
  last: number
  names?: string[]
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

export const KINDS = {
  second: { first: 0, last: 59 },
  minute: { first: 0, last: 59 },
  hour: { first: 0, last: 23 },
  date: { first: 1, last: 31 },
  month: { first: 1, last: 12, names: MONTHS },
  weekday: { first: 0, last: 6, names: WEEKDAYS },
} satisfies Record<string, Kind>

/** Null: it says something that is not described here, or nothing valid. */
export function readField(text: string, kind: Kind): Field | null {
  if (text === '*' || text === '?') return { every: 1 }
  const step = /^\*\/(\d+)$/.exec(text)?.[1]
  const length = kind.last - kind.first + 1
  // Where it does not come out even, it begins anew each time: these are single values.
  if (step && Number(step) > 0 && length % Number(step) === 0) return { every: Number(step) }
  const values = new Set<number>()
  for (const part of text.split(',')) {
    const found = readPart(part, kind)
    if (!found) return null
    for (const value of found) values.add(value)
  }
  return { values: [...values].sort((a, b) => a - b) }
}

function readPart(text: string, kind: Kind): number[] | null {
  const [range = '', stepText, ...rest] = text.split('/')
  const step = stepText === undefined ? 1 : Number(stepText)
  if (rest.length > 0 || !Number.isInteger(step) || step < 1) return null
  const [fromText = '', toText, ...more] = range === '*' ? [String(kind.first), String(kind.last)] : range.split('-')
  if (more.length > 0) return null
  const from = readValue(fromText, kind)
  const to = toText === undefined ? (stepText === undefined ? from : kind.last) : readValue(toText, kind)
  if (from === null || to === null) return null
  const length = kind.last - kind.first + 1
  // A range may run over the end: FRI-MON, 22-4.
  const count = (to - from + length) % length
  // `0-7` are all days of the week.
  const all = toText !== undefined && kind.names === WEEKDAYS && fromText === '0' && toText === '7'
  const values = []
  for (let ahead = 0; ahead <= (all ? kind.last : count); ahead += step) {
    values.push(kind.first + ((from - kind.first + ahead) % length))
  }
  return values
}

function readValue(text: string, kind: Kind): number | null {
  const named = kind.names?.indexOf(text.toUpperCase()) ?? -1
  if (named >= 0) return kind.first + named
  if (!/^\d+$/.test(text)) return null
  // 7 is Sunday, too.
  const value = kind.names === WEEKDAYS && text === '7' ? 0 : Number(text)
  return value >= kind.first && value <= kind.last ? value : null
}
