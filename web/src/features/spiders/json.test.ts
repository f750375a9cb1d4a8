import { expect, test } from 'vitest'

import { objectText, parseObject } from './json'

test('only objects are taken', () => {
  expect(parseObject(' {"a": [1]} ')).toEqual({ a: [1] })
  expect(parseObject('')).toEqual({})
  expect(parseObject(null)).toEqual({})
  for (const other of ['[1]', '1', 'null', '"a"', '{', '{a: 1}']) expect(parseObject(other)).toBeNull()
})

test('an empty object is shown as nothing', () => {
  expect(objectText({})).toBe('')
  expect(objectText(null)).toBe('')
  expect(objectText({ a: 1 })).toBe('{\n  "a": 1\n}')
})
