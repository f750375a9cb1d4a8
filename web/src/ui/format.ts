import i18n from 'i18next'

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

export function bytes(count: number): string {
  const power = count < 1 ? 0 : Math.min(Math.floor(Math.log2(count) / 10), UNITS.length - 1)
  const scaled = count / 1024 ** power
  return `${power === 0 ? scaled : scaled.toFixed(scaled < 10 ? 1 : 0)} ${UNITS[power]}`
}

export function count(value: number): string {
  return value.toLocaleString(i18n.language)
}

/** As "1 h 3 min"; the two largest units. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`
  const seconds = ms / 1000
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** In the reader's zone, unless another is asked for. */
export function time(at: string | number | Date, timeZone?: string, withSeconds = true): string {
  return new Intl.DateTimeFormat(i18n.language, {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    ...(withSeconds ? { second: '2-digit' as const } : {}),
    hour12: false,
    ...(timeZone ? { timeZone } : {}),
  }).format(new Date(at))
}

/** Month, day, hour and minute, where there is little room. */
export function shortTime(at: string | number | Date): string {
  const parts = { month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hour12: false } as const
  return new Intl.DateTimeFormat(i18n.language, parts).format(new Date(at))
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
]

/** As "3 minutes ago". */
export function relative(at: string | number | Date, now = Date.now()): string {
  const away = new Date(at).getTime() - now
  for (const [unit, ms] of STEPS) {
    if (Math.abs(away) >= ms) {
      return new Intl.RelativeTimeFormat(i18n.language, { numeric: 'auto' }).format(Math.trunc(away / ms), unit)
    }
  }
  return i18n.t('common:time.now')
}
