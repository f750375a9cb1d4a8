import i18n from 'i18next'

import { time } from '../../../ui/format'

/** A time with its day of the week, which schedules go by. */
export function withDay(at: string, timeZone: string): string {
  const day = new Intl.DateTimeFormat(i18n.language, { weekday: 'short', timeZone }).format(new Date(at))
  return `${time(at, timeZone)} ${day}`
}
