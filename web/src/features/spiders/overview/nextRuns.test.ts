import { expect, test } from 'vitest'

import type { Schemas } from '../../../api/client'
import { nextRuns } from './nextRuns'

const schedule = (name: string, more: Partial<Schemas['Schedule']>): Schemas['Schedule'] => ({
  id: name,
  spider_id: 's',
  spider_name: 's',
  name,
  is_own: false,
  cron_expr: '0 8 * * *',
  timezone: 'UTC',
  params: {},
  priority: 0,
  is_active: true,
  created_at: '2026-03-01T00:00:00Z',
  updated_at: '2026-03-01T00:00:00Z',
  ...more,
})

test('the soonest comes first, whichever schedule starts it', () => {
  const own = ['2026-03-01T08:00:00Z', '2026-03-02T08:00:00Z']
  const found = nextRuns(
    [
      schedule('own', { is_own: true, timezone: 'Asia/Shanghai' }),
      schedule('late', { next_run_at: '2026-03-03T08:00:00+01:00' }),
      schedule('soon', { next_run_at: '2026-03-01T08:30:00+01:00' }),
      schedule('paused', { is_active: false, next_run_at: '2026-03-01T00:00:00Z' }),
      schedule('never', { next_run_at: null }),
    ],
    own,
  )
  expect(found.map(({ name, at }) => name || at)).toEqual(['soon', ...own, 'late'])
  expect(found[1]!.timezone).toBe('Asia/Shanghai')
})

test('five are enough', () => {
  const own = Array.from({ length: 9 }, (_, n) => `2026-03-0${n + 1}T08:00:00Z`)
  expect(nextRuns([schedule('own', { is_own: true })], own)).toHaveLength(5)
})
