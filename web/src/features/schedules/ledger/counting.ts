import type { PageOf } from '../../../api/client'
import type { Fire, Outcome } from '../addresses'
import { dayAfter, dayOf, startOfDay } from '../time/zone'
import { weeksOf } from './month'
import { OUTCOMES } from './outcomes'

/** How often there was each outcome, by day. */
export type Counts = Map<string, Partial<Record<Outcome, number>>>

export interface Question {
  from: string
  to: string
  outcome: Outcome
  page: number
  page_size: number
}

type Ask = (question: Question) => Promise<Pick<PageOf<Pick<Fire, 'planned_at'>>, 'items' | 'total'>>

/** A page has no more. */
const PAGE = 100
/** More rows of an outcome are counted by the server, day by day. */
const MOST_ROWS = 400

/** Counts a month of a ledger, up to `now`. The API has no sums: rows are read where they are few, else a total is asked
 * for of each day, which it knows without reading them. */
export async function countMonth(month: string, zone: string, now: number, ask: Ask): Promise<Counts> {
  const counts: Counts = new Map()
  const days = weeksOf(month)
    .flat()
    .filter((day) => day !== null)
    .filter((day) => startOfDay(day, zone) <= now)
  const [first, last] = [days[0], days.at(-1)]
  if (first === undefined || last === undefined) return counts
  const whole = { from: spanOf(first, zone).from, to: spanOf(last, zone).to }
  const add = (day: string, outcome: Outcome, count: number) => {
    const before = counts.get(day) ?? {}
    counts.set(day, { ...before, [outcome]: (before[outcome] ?? 0) + count })
  }
  const count = async (outcome: Outcome) => {
    const { items, total } = await ask({ ...whole, outcome, page: 1, page_size: PAGE })
    const all = total ?? 0
    if (all > MOST_ROWS) {
      for (const day of days) {
        const { total } = await ask({ ...spanOf(day, zone), outcome, page: 1, page_size: 1 })
        add(day, outcome, total ?? 0)
      }
      return
    }
    const pages = Array.from({ length: Math.max(0, Math.ceil(all / PAGE) - 1) }, (_, index) => index + 2)
    const more = await Promise.all(pages.map((page) => ask({ ...whole, outcome, page, page_size: PAGE })))
    for (const { planned_at } of [...items, ...more.flatMap(({ items }) => items)]) {
      add(dayOf(planned_at, zone), outcome, 1)
    }
  }
  await Promise.all(OUTCOMES.map(count))
  return counts
}

/** A day, both ends included; planned times are whole seconds. */
export const spanOf = (day: string, zone: string) => ({
  from: new Date(startOfDay(day, zone)).toISOString(),
  to: new Date(startOfDay(dayAfter(day), zone) - 1000).toISOString(),
})
