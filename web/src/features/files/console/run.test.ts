import { expect, test } from 'vitest'

import { MOST_ITEMS, MOST_LINES, newRun, runAfter } from './run'

const event = (name: string, data: unknown) => ({ event: name, data: JSON.stringify(data), id: null })
const line = (text: string, name = 'stdout') => event(name, { line: text, timestamp: '2026-11-27T10:00:00Z' })

test('a run from its beginning to its end', () => {
  const run = runAfter(newRun(0), [
    event('task', { task_id: 't1' }),
    event('status', { status: 'preparing', message: '…' }),
    line('hello'),
    line('[crawlhub:error] no answer', 'stderr'),
    event('item', { price: 3 }),
    event('status', { status: 'failed', duration: 1.5, exit_code: 1, error_message: 'ValueError' }),
  ])
  expect(run.taskId).toBe('t1')
  expect(run.lines.map(({ number, level, isStderr, text }) => [number, level, isStderr, text])).toEqual([
    [1, null, false, 'hello'],
    [2, 'error', true, 'no answer'],
  ])
  expect(run.items).toEqual([{ number: 1, data: { price: 3 } }])
  expect(run.end).toEqual({ status: 'failed', duration: 1.5, exit_code: 1, error_message: 'ValueError' })
})

test('of a long run the last is kept, and how much there was', () => {
  const many = Array.from({ length: MOST_LINES + 10 }, (_, i) => line(`line ${i + 1}`))
  const items = Array.from({ length: MOST_ITEMS + 1 }, (_, i) => event('item', { i }))
  const run = runAfter(runAfter(newRun(0), many), items)
  expect([run.lines.length, run.lineCount, run.lines[0]!.number]).toEqual([MOST_LINES, MOST_LINES + 10, 11])
  expect([run.items.length, run.itemCount, run.items[0]!.number]).toEqual([MOST_ITEMS, MOST_ITEMS + 1, 2])
})

test('a line without end is cut', () => {
  const [long] = runAfter(newRun(0), [line('x'.repeat(50_000))]).lines
  expect(long!.text.length).toBeLessThan(10_010)
})

test('what is no object is shown as well', () => {
  expect(runAfter(newRun(0), [event('item', [1])]).items[0]!.data).toEqual([1])
  expect(runAfter(newRun(0), [{ event: 'item', data: 'broken{', id: null }]).items[0]!.data).toEqual({
    value: 'broken{',
  })
})
