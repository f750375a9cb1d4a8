import { api, dataOf } from '../../../api/client'
import { SCHEDULE, type Outcome } from '../addresses'
import { dayAfter, dayOf, startOfDay } from '../time/zone'
import { weeksOf } from './month'

/** How often there was each outcome, by day. */
export type Counts = Map<string, Partial<Record<Outcome, number>>>

/** A page has no more. */
const PAGE = 100
/** More rows of an outcome are counted by the server, day by day. */
const MOST_ROWS = 400

interface Asked {
  id: string
  month: string
  zone: string
  outcomes: readonly Outcome[]
  signal: AbortSignal
}

/** Counts a month of the ledger. The API has no sums: rows are read where they are few, else a total is asked for of each
 * day, which it knows without reading them. */
export async function countMonth({ id, month, zone, outcomes, signal }: Asked): Promise<Counts> {
  const counts: Counts = new Map()
  const now = Date.now()
  const days = weeksOf(month)
    .flat()
    .filter((day) => day !== null)
    .filter((day) => startOfDay(day, zone) <= now)
  const [first, last] = [days[0], days.at(-1)]
  if (first === undefined || last === undefined) return counts
  const add = (day: string, outcome: Outcome, count: number) => {
    const before = counts.get(day) ?? {}
    counts.set(day, { ...before, [outcome]: (before[outcome] ?? 0) + count })
  }
  const ask = (span: Span, outcome: Outcome, page: number, page_size: number) => {
    const query = { ...span, outcome, page, page_size }
    return dataOf(api.GET(`${SCHEDULE}/fires`, { params: { path: { id }, query }, signal }))
  }
  const count = async (outcome: Outcome) => {
    const span = { from: spanOf(first, zone).from, to: spanOf(last, zone).to }
    const { items, total } = await ask(span, outcome, 1, PAGE)
    if ((total ?? 0) > MOST_ROWS) {
      for (const day of days) add(day, outcome, (await ask(spanOf(day, zone), outcome, 1, 1)).total ?? 0)
      return
    }
    const rows = [...items]
    for (let page = 2; rows.length < (total ?? 0); page++) {
      const more = await ask(span, outcome, page, PAGE)
      if (more.items.length === 0) break
      rows.push(...more.items)
    }
    for (const { planned_at } of rows) add(dayOf(planned_at, zone), outcome, 1)
  }
  await Promise.all(outcomes.map(count))
  return counts
}

interface Span {
  from: string
  to: string
}

/** A day, both ends included; planned times are whole seconds. */
export const spanOf = (day: string, zone: string): Span => ({
  from: new Date(startOfDay(day, zone)).toISOString(),
  to: new Date(startOfDay(dayAfter(day), zone) - 1000).toISOString(),
})
