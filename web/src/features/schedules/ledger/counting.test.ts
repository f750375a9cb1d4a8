import { expect, test } from 'vitest'

import type { Outcome } from '../addresses'
import { countMonth, spanOf, type Question } from './counting'

/** A ledger that answers as the API does, and remembers what it was asked. */
function ledger(rows: { planned_at: string; outcome: Outcome }[]) {
  const asked: Question[] = []
  const ask = (question: Question) => {
    asked.push(question)
    const { from, to, outcome, page, page_size } = question
    const found = rows.filter((row) => {
      const at = Date.parse(row.planned_at)
      return row.outcome === outcome && Date.parse(from) <= at && at <= Date.parse(to)
    })
    return Promise.resolve({ items: found.slice((page - 1) * page_size, page * page_size), total: found.length })
  }
  return { asked, ask }
}

/** One each so many minutes, from the beginning of November to noon of the 20th, where it is eight hours later. */
const every = (minutes: number, outcome: Outcome) => {
  const [from, to] = [Date.parse('2026-10-31T16:00:00Z'), Date.parse('2026-11-20T04:00:00Z')]
  const count = (to - from) / 60_000 / minutes
  return Array.from({ length: count }, (_, index) => ({
    planned_at: new Date(from + index * minutes * 60_000).toISOString(),
    outcome,
  }))
}
const now = Date.parse('2026-11-20T04:00:00Z')

test.each([
  ['few rows are read', 120, 4 + 2, 12],
  ['of many the totals are asked for', 10, 4 + 20, 144],
])('%s', async (_, minutes, most, daily) => {
  const { asked, ask } = ledger([
    ...every(minutes, 'fired'),
    { planned_at: '2026-11-02T15:59:59Z', outcome: 'missed' },
    { planned_at: '2026-11-02T16:00:00Z', outcome: 'missed' },
    { planned_at: '2026-10-31T15:59:59Z', outcome: 'missed' },
  ])
  const counts = await countMonth('2026-11', 'Asia/Shanghai', now, ask)
  expect(counts.get('2026-11-01')).toEqual({ fired: daily })
  expect(counts.get('2026-11-02')).toEqual({ fired: daily, missed: 1 })
  expect(counts.get('2026-11-03')).toEqual({ fired: daily, missed: 1 })
  expect(counts.get('2026-11-20')).toEqual({ fired: daily / 2 })
  expect(counts.get('2026-11-21')).toBeUndefined()
  expect(asked.length).toBe(most)
})

test('nothing is asked of a month to come', async () => {
  const { asked, ask } = ledger([])
  expect((await countMonth('2026-12', 'Asia/Shanghai', now, ask)).size).toBe(0)
  expect(asked).toEqual([])
})

test('a day on which the clocks change has another length', () => {
  expect(spanOf('2026-10-25', 'Europe/Berlin')).toEqual({
    from: '2026-10-24T22:00:00.000Z',
    to: '2026-10-25T22:59:59.000Z',
  })
})
