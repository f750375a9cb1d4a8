import { expect, test } from 'vitest'

import { parseExact } from '../exact'
import { cellText, fieldOf, fullest, linkOf } from './value'

test('a field of an item, and of one that is no object', () => {
  expect(fieldOf({ price: 1 }, 'price')).toBe(1)
  expect(fieldOf({ price: 1 }, 'toString')).toBeUndefined()
  expect(fieldOf([1, 2], 'value')).toEqual([1, 2])
  expect(fieldOf([1, 2], 'length')).toBeUndefined()
  expect(fieldOf(null, 'value')).toBeNull()
})

test('values in a table', () => {
  expect(cellText('a')).toBe('a')
  expect(cellText(false)).toBe('false')
  expect(cellText({ a: ['b'] })).toBe('{"a":["b"]}')
  expect(cellText(parseExact('9007199254740993'))).toBe('9007199254740993')
  expect(cellText('x'.repeat(1000))).toBe(`${'x'.repeat(300)}…`)
})

test('only addresses of the web are links', () => {
  expect(linkOf('https://example.com/图.png?a=1')).toBe('https://example.com/图.png?a=1')
  expect(linkOf('javascript:alert(1)')).toBeNull()
  expect(linkOf('see https://example.com')).toBeNull()
  expect(linkOf('https://')).toBeNull()
  expect(linkOf(7)).toBeNull()
})

test('the fullest fields, in their order where they are alike', () => {
  const fields = [
    { name: 'a', count: 1 },
    { name: 'b', count: 3 },
    { name: 'c', count: 3 },
  ]
  expect(fullest(fields, 2)).toEqual(['b', 'c'])
  expect(fullest(fields, 8)).toEqual(['b', 'c', 'a'])
})
