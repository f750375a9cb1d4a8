import { expect, test } from 'vitest'

import { trendOption } from './trendOption'

test('each day has its bars and its place on the line', () => {
  const days = [
    { date: '2026-03-01', total: 3, completed: 2, failed: 1, items: 6 },
    { date: '2026-03-02', total: 0, completed: 0, failed: 0, items: 0 },
  ]
  const words = { completed: 'good', failed: 'bad', items: 'items' }
  const { xAxis, series } = trendOption(days, words, words)
  expect(xAxis).toMatchObject({ data: ['03-01', '03-02'] })
  expect(series).toMatchObject([{ data: [2, 0] }, { data: [1, 0] }, { data: [6, 0], yAxisIndex: 1 }])
})
