import type { Schemas } from '../../../api/client'

export type Line = Schemas['StoredLine']
export type Page = Schemas['Lines']

/** So much of a log is held at once, whatever its length: what is far from what is read is dropped, and asked for again. */
export const MOST_LINES = 4000
export const MOST_LETTERS = 8_000_000
/** Also of very long lines. */
const LEAST_LINES = 200

/** The part of a log that is held: lines that follow each other, as far as they fit the filter. */
export interface LogWindow {
  lines: Line[]
  /** What is asked for as `before` to have earlier ones; null: there are none. */
  before: number | null
  /** What is asked for as `after` to have later ones. */
  after: number
  /** There were none when it was last asked. */
  isEnd: boolean
}

/** The last lines; `end` is the log's last place, where the page, being filtered, does not know it. */
export const fromEnd = (page: Page, end = page.next): LogWindow => ({
  lines: page.items,
  before: page.previous ?? null,
  after: end,
  isEnd: true,
})

/** Lines behind a place. */
export const fromPlace = (page: Page): LogWindow => ({
  lines: page.items,
  before: page.previous ?? null,
  after: page.next,
  isEnd: false,
})

/** With earlier lines; the last ones may have to go. */
export function withEarlier(held: LogWindow, page: Page): LogWindow {
  const all = [...page.items, ...held.lines]
  const count = fitting(all)
  const before = page.previous ?? null
  if (count === all.length) return { ...held, lines: all, before }
  const lines = all.slice(0, count)
  return { lines, before, after: lines.at(-1)!.seq, isEnd: false }
}

/** With later lines, up to the place `after`; the first ones may have to go. */
export function withLater(held: LogWindow, items: Line[], after: number, isEnd: boolean): LogWindow {
  if (items.length === 0) return { ...held, after, isEnd }
  const all = [...held.lines, ...items]
  const count = fitting(all.toReversed())
  const lines = all.slice(all.length - count)
  return { lines, before: count === all.length ? held.before : lines[0]!.seq, after, isEnd }
}

/** How many of the lines are held. */
function fitting(lines: Line[]): number {
  let letters = 0
  for (const [index, { line }] of lines.entries()) {
    letters += line.length
    if (index >= LEAST_LINES && (index >= MOST_LINES || letters > MOST_LETTERS)) return index
  }
  return lines.length
}
