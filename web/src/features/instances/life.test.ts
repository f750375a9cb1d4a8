import { expect, test } from 'vitest'

import { troubleOf } from './life'

test('the reason is told apart from what was printed', () => {
  expect(troubleOf({ error_message: null })).toBeNull()
  expect(troubleOf({ error_message: 'it ended with 1' })).toEqual({ reason: 'it ended with 1', lines: '' })
  expect(troubleOf({ error_message: 'it ended with 1\nTraceback\n  oh' })).toEqual({
    reason: 'it ended with 1',
    lines: 'Traceback\n  oh',
  })
})
