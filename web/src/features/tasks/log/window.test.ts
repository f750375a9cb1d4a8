import { expect, test } from 'vitest'

import { fromEnd, fromPlace, MOST_LETTERS, MOST_LINES, withEarlier, withLater, type Line } from './window'

const lines = (from: number, to: number, text = 'x'): Line[] =>
  Array.from({ length: to - from + 1 }, (_, index) => ({
    seq: from + index,
    attempt: 1,
    stream: 'stdout' as const,
    timestamp: '2026-11-27T10:00:00Z',
    line: text,
  }))

test('from the end back to the start, and on to the end again', () => {
  const end = 3 * MOST_LINES
  let held = fromEnd({ items: lines(end - 999, end), next: end, previous: end - 999 })
  while (held.before !== null) {
    const from = Math.max(1, held.before - 1000)
    held = withEarlier(held, {
      items: lines(from, held.before - 1),
      next: held.before - 1,
      previous: from > 1 ? from : null,
    })
    expect(held.lines.length).toBeLessThanOrEqual(MOST_LINES)
  }
  expect(held.lines[0]!.seq).toBe(1)
  expect(held.isEnd).toBe(false)
  expect(held.after).toBe(MOST_LINES)
  while (held.after < end) {
    const to = Math.min(end, held.after + 1000)
    held = withLater(held, lines(held.after + 1, to), to, to === end)
    expect(held.lines.length).toBeLessThanOrEqual(MOST_LINES)
  }
  expect(held.isEnd).toBe(true)
  expect(held.lines.map(({ seq }) => seq)).toEqual(lines(end - MOST_LINES + 1, end).map(({ seq }) => seq))
  expect(held.before).toBe(end - MOST_LINES + 1)
})

test('nothing new leaves the lines as they are', () => {
  const held = fromPlace({ items: lines(5, 9), next: 9, previous: 5 })
  expect(withLater(held, [], 12, true)).toEqual({ ...held, after: 12, isEnd: true })
  expect(withEarlier(held, { items: [], next: 4, previous: null })).toEqual({ ...held, before: null })
})

test('a filter that finds nothing near the end goes on from the end', () => {
  const held = fromEnd({ items: [], next: 0, previous: 700 }, 5000)
  expect(held).toEqual({ lines: [], before: 700, after: 5000, isEnd: true })
})

test('very long lines are held, too, but fewer', () => {
  const long = 'x'.repeat(MOST_LETTERS / 400)
  const held = withLater(fromEnd({ items: lines(1, 300, long), next: 300 }), lines(301, 600, long), 600, true)
  expect(held.lines.length).toBe(400)
  expect(held.before).toBe(201)
  const huge = 'x'.repeat(MOST_LETTERS)
  expect(withLater(fromEnd({ items: [], next: 0 }), lines(1, 300, huge), 300, true).lines.length).toBe(200)
})
