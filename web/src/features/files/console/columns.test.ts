import { expect, test } from 'vitest'

import { cellText, fieldsOf } from './columns'

test('fields of all items, each once', () => {
  const items = [
    { a: 1, b: 2 },
    { b: 3, 价格: 4 },
  ].map((data, number) => ({ number, data }))
  expect(fieldsOf(items)).toEqual(['a', 'b', '价格'])
})

test('what a cell shows', () => {
  expect([cellText('x'), cellText(1.5), cellText(null), cellText({ a: [1] }), cellText(undefined)]).toEqual([
    'x',
    '1.5',
    'null',
    '{"a":[1]}',
    '',
  ])
  expect(cellText('x'.repeat(900))).toHaveLength(201)
})
