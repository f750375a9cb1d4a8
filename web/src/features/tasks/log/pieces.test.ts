import { expect, test } from 'vitest'

import { pieces } from './pieces'

const marked = (text: string, sought: string) =>
  pieces(text, sought)
    .map((piece) => (piece.isHit ? `<${piece.text}>` : piece.text))
    .join('')

test('what was searched for is marked, whatever its case', () => {
  expect(marked('GET /a?b=1 then get /a?B=1', '/A?b')).toBe('GET </a?b>=1 then get </a?B>=1')
  expect(marked('第 1 页日志', '日志')).toBe('第 1 页<日志>')
  expect(marked('aaa', 'a')).toBe('<a><a><a>')
  expect(marked('nothing', 'else')).toBe('nothing')
  expect(marked('all', '')).toBe('all')
  expect(marked('', 'x')).toBe('')
})

test('letters whose other case is longer do not shift the marks', () => {
  expect(marked('İİ error', 'ERROR')).toBe('İİ <error>')
})
