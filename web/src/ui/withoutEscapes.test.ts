import { expect, test } from 'vitest'

import { withoutEscapes } from './withoutEscapes'

test('only the text stays of what is for terminals', () => {
  expect(withoutEscapes('\u001b[31;1mred\u001b[0m \u001b[?25lno cursor')).toBe('red no cursor')
  expect(withoutEscapes('\u001b]0;title\u0007text\u001b]8;;http://a\u001b\\link')).toBe('textlink')
  expect(withoutEscapes('a [1] is left')).toBe('a [1] is left')
})
