import { expect, test } from 'vitest'

import type { ItemPage } from '../types'
import { reachOf } from './reach'

const found = (total: number | null, page: number, page_size: number): ItemPage => ({
  items: [],
  total,
  page,
  page_size,
  total_is_at_least: false,
})

test('numbered pages reach all items', () => {
  expect(reachOf(found(45, 2, 20), false)).toEqual({ numbered: 45, isLast: false })
  expect(reachOf(found(45, 3, 20), false)).toEqual({ numbered: 45, isLast: true })
  expect(reachOf(found(null, 1, 20), false)).toEqual({ numbered: 0, isLast: true })
})

test('those of a sorted list end at the thousandth, on a whole page', () => {
  expect(reachOf(found(5000, 50, 20), true)).toEqual({ numbered: 1000, isLast: true })
  expect(reachOf(found(5000, 32, 30), true)).toEqual({ numbered: 990, isLast: false })
  expect(reachOf(found(5000, 33, 30), true)).toEqual({ numbered: 990, isLast: true })
  expect(reachOf(found(500, 1, 20), true)).toEqual({ numbered: 500, isLast: false })
})
