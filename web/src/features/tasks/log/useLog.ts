import { useCallback, useEffect, useEffectEvent, useRef, useState } from 'react'

import { earlier, later, open, type LogFilter, type Reader, type Start } from './reading'
import { withEarlier, withLater, type Line, type LogWindow } from './window'

type Work = 'open' | 'earlier' | 'later'
type Change = (held: LogWindow | null) => LogWindow | null

/** A part of a task's log, which moves with what is read. `filter` stays what it was first. */
export function useLog(taskId: string, filter: LogFilter, start: Start) {
  const [held, setHeld] = useState<LogWindow | null>(null)
  const [work, setWork] = useState<Work | null>('open')
  /** How far a search has come that has found nothing yet. */
  const [place, setPlace] = useState<number | null>(null)
  const [error, setError] = useState<unknown>(null)
  /** Where it was opened last. */
  const [opened, setOpened] = useState<{ at: Start } | null>(null)
  const current = useRef<AbortController | null>(null)

  /** One at a time; only opening anew takes the place of another. */
  const load = async (kind: Work, read: (reader: Reader) => Promise<Change>) => {
    if (current.current && kind !== 'open') return
    current.current?.abort()
    const control = new AbortController()
    const { signal } = control
    current.current = control
    setWork(kind)
    setPlace(null)
    setError(null)
    const onProgress = (to: number) => {
      if (!signal.aborted) setPlace(to)
    }
    try {
      const change = await read({ taskId, filter, signal, onProgress })
      if (!signal.aborted) setHeld(change)
    } catch (failure) {
      if (!signal.aborted) setError(failure)
    }
    if (current.current !== control) return
    current.current = null
    setWork(null)
    setPlace(null)
  }

  const openAt = (at: Start) =>
    load('open', async (reader) => {
      const window = await open(reader, at)
      setOpened({ at })
      return () => window
    })
  const loadEarlier = () =>
    load('earlier', async (reader) => {
      const before = held?.before
      if (before == null) return (now) => now
      const page = await earlier(reader, before)
      // Meanwhile the window may have moved.
      return (now) => (now?.before === before ? withEarlier(now, page) : now)
    })
  const loadLater = () =>
    load('later', async (reader) => {
      if (!held) return (now) => now
      const { after } = held
      const { page, isEnd } = await later(reader, after)
      return (now) => (now?.after === after ? withLater(now, page.items, page.next, isEnd) : now)
    })
  /** Lines that came by themselves, behind the last one. */
  const add = (lines: Line[]) =>
    setHeld((now) => {
      const news = now ? lines.filter(({ seq }) => seq > now.after) : []
      return now && news.length > 0 ? withLater(now, news, news.at(-1)!.seq, true) : now
    })
  /** There may be more than was known. */
  const reopenEnd = useCallback(() => setHeld((now) => now && { ...now, isEnd: false }), [])

  const retry = () => {
    if (held) setError(null)
    else void openAt(start)
  }

  const begin = useEffectEvent(() => void openAt(start))
  useEffect(() => {
    const soon = setTimeout(begin)
    return () => {
      clearTimeout(soon)
      current.current?.abort()
    }
  }, [])

  return { held, work, place, error, opened, openAt, retry, loadEarlier, loadLater, add, reopenEnd }
}

export type Log = ReturnType<typeof useLog>
