import { expect, test } from 'vitest'

import { fieldOf, missing, readFilter, writeFilter } from './filter'
import { pathOf, readPath, readSort, sortBy } from './path'

test('a condition is read as it was written, whatever its field is called', () => {
  const filter = { path: pathOf('a.b:c\\d'), operator: 'contains' as const, value: 'x:y' }
  expect(writeFilter(filter)).toBe('a\\.b\\:c\\\\d:contains:x:y')
  expect(readFilter(writeFilter(filter))).toEqual(filter)
  expect(fieldOf(filter)).toBe('a.b:c\\d')
  expect(missing('a.b')).toBe('a\\.b:exists:false')
})

test('what looks like a number is one, unless the field has only texts', () => {
  const filter = { path: 'sku', operator: 'eq' as const, value: '12' }
  expect(writeFilter(filter, ['integer'])).toBe('sku:eq:12')
  expect(writeFilter(filter, ['integer', 'string'])).toBe('sku:eq:12')
  expect(writeFilter(filter, ['string', 'null'])).toBe('sku:eq:"12"')
  expect(writeFilter({ ...filter, value: 'a-1' }, ['string'])).toBe('sku:eq:a-1')
  expect(writeFilter({ ...filter, operator: 'exists', value: 'true' }, ['string'])).toBe('sku:exists:true')
})

test('what is no condition is told so', () => {
  expect(readFilter('price')).toBeNull()
  expect(readFilter('price:like:9')).toBeNull()
})

test('fields to sort by', () => {
  expect(sortBy('price', true)).toBe('-price')
  expect(sortBy('-x', false)).toBe('\\-x')
  for (const name of ['price', '-x', 'a.b', 'a:b', '价格']) {
    for (const isDescending of [true, false]) {
      expect(readSort(sortBy(name, isDescending))).toEqual({ name, isDescending })
    }
  }
  expect(readPath('seller.name')).toBe('seller.name')
})
