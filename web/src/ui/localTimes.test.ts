import { expect, test } from 'vitest'

import { localTimes } from './localTimes'

test('times in a sentence are told in a zone', () => {
  const said = localTimes('waiting for retry 1 of 2, at 2026-11-27T19:29:17Z', 'Asia/Shanghai')
  expect(said).toMatch(/^waiting for retry 1 of 2, at .*28.*03:29:17$/)
  expect(localTimes('nothing at 10:00', 'UTC')).toBe('nothing at 10:00')
})
