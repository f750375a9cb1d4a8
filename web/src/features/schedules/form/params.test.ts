import { expect, test } from 'vitest'

import { readParams, writeParams } from './params'

test('parameters are a JSON object', () => {
  expect(readParams('{"page": 1, "词": ["书"]}')).toEqual({ page: 1, 词: ['书'] })
  expect(readParams('  ')).toEqual({})
  for (const text of ['[1]', 'null', '1', '"a"', '{', 'page=1']) expect(readParams(text), text).toBeNull()
})

test('what is written is read again', () => {
  expect(writeParams({})).toBe('')
  expect(readParams(writeParams({ a: { b: null } }))).toEqual({ a: { b: null } })
})
