import { expect, test } from 'vitest'

import { exactNumber, parseExact, writeExact } from './exact'

test('numbers are written as they were sent', () => {
  const sent = '{"id":9007199254740993,"price":88.0,"rate":1e3,"n":[12,-0.5],"deep":{"id":-12345678901234567890}}'
  expect(writeExact(parseExact(sent))).toBe(sent)
})

test('what JavaScript can hold is a number, all else a marked text', () => {
  const { small, large } = parseExact('{"small":12,"large":9007199254740993}') as Record<string, unknown>
  expect(small).toBe(12)
  expect(exactNumber(large)).toBe('9007199254740993')
  expect(exactNumber('9007199254740993')).toBeNull()
})

test('digits inside texts stay texts', () => {
  const sent = '{"t":"88.0 and \\"9007199254740993\\" \\\\","7.0":"x"}'
  expect(parseExact(sent)).toEqual(JSON.parse(sent))
  expect(writeExact(parseExact(sent))).toBe(sent)
})
