import { expect, test } from 'vitest'

import { diffFields } from './diff'

test('fields that came, went and changed', () => {
  const before = { price: 10, old: 1, seller: { name: 'a', city: 'x' }, tags: ['a'], same: { deep: [1] } }
  const after = { price: 12, seller: { name: 'b', city: 'x' }, tags: ['a', 'b'], same: { deep: [1] }, sale: true }
  expect(diffFields(before, after)).toEqual([
    { path: 'price', kind: 'changed', before: 10, after: 12 },
    { path: 'old', kind: 'removed', before: 1 },
    { path: 'seller.name', kind: 'changed', before: 'a', after: 'b' },
    { path: 'tags', kind: 'changed', before: ['a'], after: ['a', 'b'] },
    { path: 'sale', kind: 'added', after: true },
  ])
})

test('contents that are no objects, or become one', () => {
  expect(diffFields([1], [1])).toEqual([])
  expect(diffFields({ a: null }, { a: { b: 1 } })).toEqual([
    { path: 'a', kind: 'changed', before: null, after: { b: 1 } },
  ])
  expect(diffFields('x', 'y')).toEqual([{ path: '', kind: 'changed', before: 'x', after: 'y' }])
})
