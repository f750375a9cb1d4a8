import type { Schemas } from '../../../api/client'
import type { ServerEvent } from '../../../api/eventStream'
import { readLine, type Level } from './level'

export interface Line {
  /** Counted from the run's first. */
  number: number
  isStderr: boolean
  level: Level | null
  text: string
  at: string
}

export interface Item {
  number: number
  data: Record<string, unknown>
}

export interface End {
  status: Schemas['TaskStatus']
  /** In seconds. */
  duration: number
  exit_code: number | null
  error_message: string | null
}

/** A test run, as far as it was heard of. Of a long one only the last is kept: a page must not grow without end. */
export interface Run {
  taskId: string | null
  startedAt: number
  lines: Line[]
  lineCount: number
  items: Item[]
  itemCount: number
  end: End | null
}

export const MOST_LINES = 5000
export const MOST_ITEMS = 500
const LONGEST_LINE = 10_000

export const newRun = (startedAt: number): Run => ({
  taskId: null,
  startedAt,
  lines: [],
  lineCount: 0,
  items: [],
  itemCount: 0,
  end: null,
})

/** The run after these events: many at once, as each makes a new list. */
export function runAfter(run: Run, events: ServerEvent[]): Run {
  const next = { ...run }
  const lines: Line[] = []
  const items: Item[] = []
  for (const { event, data } of events) {
    const said = read(data)
    if (event === 'task') next.taskId = String(said.task_id)
    else if (event === 'stdout' || event === 'stderr') {
      next.lineCount += 1
      lines.push(lineOf(next.lineCount, event === 'stderr', said))
    } else if (event === 'item') {
      next.itemCount += 1
      items.push({ number: next.itemCount, data: said })
    } else if (event === 'status' && FINAL.includes(String(said.status))) next.end = said as unknown as End
  }
  if (lines.length > 0) next.lines = last([...run.lines, ...lines], MOST_LINES)
  if (items.length > 0) next.items = last([...run.items, ...items], MOST_ITEMS)
  return next
}

const FINAL = ['completed', 'failed', 'cancelled']

function lineOf(number: number, isStderr: boolean, { line, timestamp }: Record<string, unknown>): Line {
  const { level, text } = readLine(String(line))
  const shown = text.length > LONGEST_LINE ? `${text.slice(0, LONGEST_LINE)} …` : text
  return { number, isStderr, level, text: shown, at: String(timestamp) }
}

function read(data: string): Record<string, unknown> {
  try {
    const said: unknown = JSON.parse(data)
    return typeof said === 'object' && said !== null ? (said as Record<string, unknown>) : { value: said }
  } catch {
    return { value: data }
  }
}

const last = <T>(all: T[], most: number): T[] => (all.length > most ? all.slice(-most) : all)
