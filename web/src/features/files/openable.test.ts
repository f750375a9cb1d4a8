import { expect, test } from 'vitest'

import { LARGEST_EDITED, whyNotOpened } from './openable'

test('text that is not too large is opened', () => {
  expect(whyNotOpened(3, 'abc')).toBeNull()
  expect(whyNotOpened(0, '')).toBeNull()
  expect(whyNotOpened(LARGEST_EDITED, undefined)).toBeNull()
})

test('what is not text, or large, is not', () => {
  expect(whyNotOpened(3, null)).toBe('binary')
  expect(whyNotOpened(3, 'a\0b')).toBe('binary')
  expect(whyNotOpened(LARGEST_EDITED + 1, undefined)).toBe('large')
})
