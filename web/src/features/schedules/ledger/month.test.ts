import { expect, test } from 'vitest'

import { isDay, isMonth, monthAfter, weeksOf } from './month'

test('weeks of a month', () => {
  const weeks = weeksOf('2026-11')
  expect(weeks).toHaveLength(6)
  expect(weeks[0]).toEqual([null, null, null, null, null, null, '2026-11-01'])
  expect(weeks[5]).toEqual(['2026-11-30', null, null, null, null, null, null])
  expect(weeksOf('2027-02').flat()).not.toContain(null)
  expect(weeksOf('2028-02').flat().filter(Boolean)).toHaveLength(29)
})

test('months follow each other', () => {
  expect(monthAfter('2026-12', 1)).toBe('2027-01')
  expect(monthAfter('2026-01', -1)).toBe('2025-12')
})

test('what is a month, and a day', () => {
  expect([isMonth('2026-11'), isMonth('2026-13'), isMonth('now'), isMonth(undefined)]).toEqual([
    true,
    false,
    false,
    false,
  ])
  expect([isDay('2026-11-30'), isDay('2026-11-31'), isDay('2026-11'), isDay(undefined)]).toEqual([
    true,
    false,
    false,
    false,
  ])
})
