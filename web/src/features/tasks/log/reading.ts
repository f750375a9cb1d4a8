import { api, dataOf, type Schemas } from '../../../api/client'
import { TASK } from '../addresses'
import { fromEnd, fromPlace, type LogWindow, type Page } from './window'

/** Which lines are shown. */
export interface LogFilter {
  q?: string
  level?: Schemas['Level']
  stream?: Schemas['Stream']
}

/** Where reading begins: a line, or one of the ends. */
export type Start = 'start' | 'end' | number

const AT_ONCE = 500
/** In front of a line that is looked up. */
const CONTEXT = 200

export interface Reader {
  taskId: string
  filter: LogFilter
  signal: AbortSignal
  /** A filter may pass over very many lines, a part of them with each call. */
  onProgress: (place: number) => void
}

type Place = { after: number } | { before: number } | { tail: number }

function ask({ taskId, filter, signal }: Reader, place: Place): Promise<Page> {
  const params = { path: { id: taskId }, query: { ...filter, ...place, limit: AT_ONCE } }
  return dataOf(api.GET(`${TASK}/logs/lines`, { params, signal }))
}

export const isFiltered = ({ q, level, stream }: LogFilter) => [q, level, stream].some((given) => given !== undefined)

export async function open(reader: Reader, start: Start): Promise<LogWindow> {
  if (start === 'start') return fromPlace((await later(reader, 0)).page)
  if (start !== 'end') return fromPlace((await later(reader, Math.max(0, start - CONTEXT - 1))).page)
  if (!isFiltered(reader.filter)) return fromEnd(await ask(reader, { tail: AT_ONCE }))
  const { next: end } = await ask({ ...reader, filter: {} }, { tail: 1 })
  return fromEnd(await earlier(reader, end + 1), end)
}

/** Lines before a place: at least one, where there is one. */
export async function earlier(reader: Reader, before: number): Promise<Page> {
  for (;;) {
    const page = await ask(reader, { before })
    if (page.items.length > 0 || page.previous == null) return page
    before = page.previous
    reader.onProgress(before)
  }
}

/** Lines behind a place: at least one, unless the log ends there. */
export async function later(reader: Reader, after: number): Promise<{ page: Page; isEnd: boolean }> {
  let first: Page | null = null
  for (;;) {
    const page = await ask(reader, { after })
    first ??= page
    const isEnd = page.next === after
    if (page.items.length > 0 || isEnd) return { page: { ...page, previous: first.previous }, isEnd }
    after = page.next
    reader.onProgress(after)
  }
}
