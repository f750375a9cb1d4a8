import { expect, test } from 'vitest'

import { percent } from './percent'

test('shares', () => {
  expect(percent(1)).toBe('100%')
  expect(percent(0)).toBe('0%')
  expect(percent(0.8571)).toBe('85.7%')
  expect(percent(0.99999)).toBe('>99.9%')
  expect(percent(0.00001)).toBe('<0.1%')
})
