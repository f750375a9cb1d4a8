const DAY_MS = 86_400_000

const clocks = new Map<string, Intl.DateTimeFormat>()

function clockOf(zone: string): Intl.DateTimeFormat {
  const known = clocks.get(zone)
  if (known) return known
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
  clocks.set(zone, made)
  return made
}

/** What the clocks of a zone show at a time, as `2026-11-27T08:00:00`. */
export function wallOf(at: number | string, zone: string): string {
  const parts = Object.fromEntries(
    clockOf(zone)
      .formatToParts(new Date(at))
      .map(({ type, value }) => [type, value]),
  )
  const { year, month, day, hour, minute, second } = parts as Record<string, string>
  return `${year}-${month}-${day}T${hour}:${minute}:${second}`
}

/** Of that time, where the clocks of the zone are: `2026-11-27`. */
export const dayOf = (at: number | string, zone: string) => wallOf(at, zone).slice(0, 10)

const utcOf = (wall: string) => Date.parse(`${wall}Z`)
const offsetAt = (at: number, zone: string) => utcOf(wallOf(at, zone)) - at

/** When the clocks of a zone show `wall` (`2026-11-27T08:00` or with seconds): the first time where they do twice, the end
 * of the gap where they jump over it. */
export function instantOf(wall: string, zone: string): number {
  const shown = utcOf(wall)
  const offsets = [shown - DAY_MS, shown + DAY_MS].map((near) => offsetAt(near, zone))
  const [first = NaN, second = NaN] = offsets.map((offset) => shown - offset).sort((a, b) => a - b)
  const found = [first, second].find((at) => at + offsetAt(at, zone) === shown)
  if (found !== undefined) return found
  let [before, after] = [first, second]
  while (after - before > 1000) {
    const middle = Math.floor((before + after) / 2000) * 1000
    if (middle + offsetAt(middle, zone) < shown) before = middle
    else after = middle
  }
  return after
}

/** When a day begins in a zone. */
export const startOfDay = (day: string, zone: string) => instantOf(`${day}T00:00:00`, zone)

/** The day that follows `2026-11-27`. */
export const dayAfter = (day: string) => new Date(Date.parse(`${day}T00:00:00Z`) + DAY_MS).toISOString().slice(0, 10)

export const ownZone = () => new Intl.DateTimeFormat().resolvedOptions().timeZone

/** As `UTC+8`. */
export function offsetName(zone: string, at: number): string {
  const minutes = Math.round(offsetAt(Math.floor(at / 1000) * 1000, zone) / 60_000)
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60]
  return `UTC${minutes < 0 ? '−' : '+'}${hours}${rest ? `:${String(rest).padStart(2, '0')}` : ''}`
}

/** All zones that the browser knows. */
export const zones = () => [...new Set(['UTC', ...Intl.supportedValuesOf('timeZone')])]
