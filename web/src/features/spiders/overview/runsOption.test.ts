import { expect, test } from 'vitest'

import { seconds } from './runsOption'

test('how long a run took is known when it has ended', () => {
  expect(seconds({ started_at: '2026-03-01T08:00:00Z', finished_at: '2026-03-01T08:01:02.34Z' })).toBe(62.3)
  expect(seconds({ started_at: '2026-03-01T08:00:00Z', finished_at: null })).toBeNull()
  expect(seconds({ started_at: null, finished_at: '2026-03-01T08:00:00Z' })).toBeNull()
})
