import { expect, test } from 'vitest'

import { labelText } from './label'
import { timeOf } from './since'

test('what a thing is known by', () => {
  expect(labelText('{"sku":"a-1"}')).toBe('a-1')
  expect(labelText('{"sku":9007199254740993,"shop":"x"}')).toBe('sku: 9007199254740993, shop: x')
  expect(labelText('{"sku":"very lo')).toBe('{"sku":"very lo')
})

test('how far back', () => {
  const now = Date.UTC(2026, 10, 27)
  expect(timeOf('week', null, now)).toBe('2026-11-20T00:00:00.000Z')
  expect(timeOf('ever', '2026-11-26T00:00:00Z', now)).toBeUndefined()
  expect(timeOf('run', '2026-11-26T00:00:00Z', now)).toBe('2026-11-26T00:00:00Z')
  expect(timeOf('run', null, now)).toBeUndefined()
})
