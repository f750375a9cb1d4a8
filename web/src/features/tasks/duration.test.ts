import { expect, test } from 'vitest'

import { durationOf } from './duration'

const started_at = '2026-11-27T10:00:00Z'
const now = Date.parse('2026-11-27T10:00:05Z')

test('how long a task ran', () => {
  expect(durationOf({ status: 'completed', started_at, finished_at: '2026-11-27T10:01:00Z' }, now)).toBe(60_000)
  expect(durationOf({ status: 'running', started_at, finished_at: null }, now)).toBe(5000)
  expect(durationOf({ status: 'running', started_at, finished_at: null }, now - 10_000)).toBe(0)
})

test('a task that waits does not run', () => {
  expect(durationOf({ status: 'pending', started_at: null, finished_at: null }, now)).toBeNull()
  expect(durationOf({ status: 'pending', started_at, finished_at: null }, now)).toBeNull()
  expect(durationOf({ status: 'cancelled', started_at: null, finished_at: started_at }, now)).toBeNull()
})
