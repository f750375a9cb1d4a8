import type { TFunction } from 'i18next'

import { KINDS, readField, type Field } from './fields'

type Words = TFunction<'schedules'>

const NAMED: Record<string, string> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
}
/** More of them nobody reads. */
const MOST_TIMES = 8

const two = (value: number) => String(value).padStart(2, '0')
const isAll = (field: Field) => 'every' in field && field.every === 1

/** What a cron expression says, in words; null: no words for it here, the planned times say it. */
export function describe(expr: string, t: Words, language: string): string | null {
  const trimmed = expr.trim()
  const fields = (NAMED[trimmed.toLowerCase()] ?? trimmed).split(/\s+/)
  if (fields.length === 5) fields.unshift('0')
  const [second, minute, hour, date, month, weekday] = fields as [string, string, string, string, string, string]
  if (fields.length !== 6) return null
  const time = describeTime(
    [readField(second, KINDS.second), readField(minute, KINDS.minute), readField(hour, KINDS.hour)],
    t,
  )
  const days = describeDays(
    [date.toUpperCase() === 'L' ? 'last' : readField(date, KINDS.date), readField(weekday, KINDS.weekday)],
    t,
    language,
  )
  const months = describeMonths(readField(month, KINDS.month), language)
  if (!time || days === null || months === null) return null
  // An interval is one of every day.
  if (!days && !months && time.isInterval) return time.text
  const someDays = days || t('cron.everyDay')
  const when = months ? t('cron.inMonths', { months, days: someDays }) : someDays
  return t(time.isInterval ? 'cron.intervalOn' : 'cron.timeOn', { days: when, time: time.text })
}

type Time = { text: string; isInterval: boolean }

function describeTime([second, minute, hour]: (Field | null)[], t: Words): Time | null {
  if (!second || !minute || !hour) return null
  const interval = (text: string) => ({ text, isInterval: true })
  if ('every' in second) {
    if (!isAll(minute) || !isAll(hour)) return null
    return interval(second.every === 1 ? t('cron.everySecond') : t('cron.everySeconds', { n: second.every }))
  }
  const [at, ...more] = second.values
  if (at === undefined || more.length > 0) return null
  if ('every' in minute) {
    if (at !== 0) return null
    const text = minute.every === 1 ? t('cron.everyMinute') : t('cron.everyMinutes', { n: minute.every })
    if (isAll(hour)) return interval(text)
    if ('every' in hour) return null
    const hours = runs(hour.values).map((run) => `${two(run[0]!)}:00–${two(run.at(-1)!)}:59`)
    return interval(t('cron.duringHours', { text, hours: hours.join(t('cron.comma')) }))
  }
  const clock = (h: number, m: number) => `${two(h)}:${two(m)}${at === 0 ? '' : `:${two(at)}`}`
  if ('every' in hour) {
    if (at !== 0 || minute.values.length > MOST_TIMES) return null
    const minutes = minute.values.map(two).join(t('cron.comma'))
    if (hour.every === 1) return interval(t('cron.everyHour', { minutes }))
    return interval(t('cron.everyHours', { n: hour.every, minutes }))
  }
  const times = hour.values.flatMap((h) => minute.values.map((m) => clock(h, m)))
  return times.length > MOST_TIMES ? null : { text: times.join(t('cron.comma')), isInterval: false }
}

function describeDays([date, weekday]: (Field | 'last' | null)[], t: Words, language: string): string | null {
  if (!date || !weekday || weekday === 'last') return null
  const dates = describeDates(date, t)
  const days = describeWeekdays(weekday, t, language)
  if (dates === null || days === null) return null
  // Where both are given, either is enough.
  return dates && days ? t('cron.either', { dates, days }) : dates || days
}

function describeDates(date: Field | 'last', t: Words): string | null {
  if (date === 'last') return t('cron.lastDate')
  if ('every' in date) return isAll(date) ? '' : null
  return date.values.length > MOST_TIMES ? null : t('cron.dates', { dates: spans(date.values, String, t) })
}

function describeWeekdays(weekday: Field, t: Words, language: string): string | null {
  if ('every' in weekday) return isAll(weekday) ? '' : null
  if (weekday.values.length === 7) return ''
  const name = new Intl.DateTimeFormat(language, { weekday: 'long', timeZone: 'UTC' })
  // 4 January 1970 was a Sunday; weeks begin with Monday here.
  const values = weekday.values.map((day) => (day === 0 ? 7 : day)).sort((a, b) => a - b)
  return spans(values, (day) => name.format(Date.UTC(1970, 0, 4 + day)), t)
}

function describeMonths(month: Field | null, language: string): string | null {
  if (!month) return null
  if ('every' in month) return isAll(month) ? '' : null
  const name = new Intl.DateTimeFormat(language, { month: 'long', timeZone: 'UTC' })
  return new Intl.ListFormat(language, { type: 'unit', style: 'narrow' }).format(
    month.values.map((value) => name.format(Date.UTC(1970, value - 1, 1))),
  )
}

/** Values that follow each other as `first–last`. */
function spans(values: number[], name: (value: number) => string, t: Words): string {
  return runs(values)
    .flatMap((run) =>
      run.length < 3 ? run.map(name) : [t('cron.span', { from: name(run[0]!), to: name(run.at(-1)!) })],
    )
    .join(t('cron.comma'))
}

/** Values, together where they follow each other. */
function runs(values: number[]): number[][] {
  const found: number[][] = []
  for (const value of values) {
    const last = found.at(-1)
    if (last && last.at(-1)! + 1 === value) last.push(value)
    else found.push([value])
  }
  return found
}
