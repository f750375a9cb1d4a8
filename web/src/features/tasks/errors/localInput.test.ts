import { expect, test } from 'vitest'

import { fromInput, toInput } from './localInput'

test('a time goes into an input and comes back', () => {
  const at = fromInput('2026-11-27T08:05')
  expect(at).toMatch(/^2026-11-2\dT\d\d:\d\d:00\.000Z$/)
  expect(toInput(at)).toBe('2026-11-27T08:05')
})

test('what is no time', () => {
  expect(fromInput('')).toBeUndefined()
  expect(fromInput('yesterday')).toBeUndefined()
  expect(toInput('yesterday')).toBe('')
  expect(toInput(undefined)).toBe('')
})
