import { expect, test } from 'vitest'

import { MOST_LETTERS, NOTHING, withPrinted } from './output'

test('what is printed by one stream stays together', () => {
  let output = withPrinted(NOTHING, 'stdout', 'one\r\n')
  output = withPrinted(output, 'stdout', '\u001b[32mtwo\u001b[0m\n')
  output = withPrinted(output, 'stderr', 'oh\n')
  expect(output.pieces).toEqual([
    { id: 1, stream: 'stdout', text: 'one\ntwo\n' },
    { id: 2, stream: 'stderr', text: 'oh\n' },
  ])
})

test('of very much the end is kept', () => {
  let output = NOTHING
  for (let i = 0; i < 300; i += 1) output = withPrinted(output, 'stdout', 'x'.repeat(3000))
  expect(output.isCut).toBe(true)
  expect(output.length).toBeLessThanOrEqual(MOST_LETTERS)
  expect(output.length).toBe(output.pieces.reduce((sum, { text }) => sum + text.length, 0))
  expect(new Set(output.pieces.map(({ id }) => id)).size).toBe(output.pieces.length)
})
