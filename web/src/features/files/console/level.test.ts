import { expect, test } from 'vitest'

import { readLine } from './level'

test.each([
  ['[crawlhub:info] page 3', 'info', 'page 3'],
  ['ERROR: no answer', 'error', undefined],
  ['2026-11-27 10:00:00 [scrapy.core.engine] INFO: Spider opened', 'info', undefined],
  ['2026-11-27 10:00:00,123 - books - WARNING - slow', 'warning', undefined],
  ['root | CRITICAL out of disk', 'critical', undefined],
  ['\u001b[31mERROR\u001b[0m red', 'error', 'ERROR red'],
  ['Traceback (most recent call last):', 'error', undefined],
  ['ValueError: no such selector .price', 'error', undefined],
  ["item {'level': 'ERROR'}", null, undefined],
  ['error pages: 3', null, undefined],
  ['', null, undefined],
])('%s', (line, level, text) => {
  expect(readLine(line)).toEqual({ level, text: text ?? line })
})
