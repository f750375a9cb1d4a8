import { useEffect, useEffectEvent, useSyncExternalStore } from 'react'

import { ApiError } from '../../api/errors'
import { readEvents, type ServerEvent } from '../../api/eventStream'

const SHOWN_EVERY_MS = 100
const AGAIN_AFTER_MS = 2000

interface Options {
  path: string
  isOpen: boolean
  /** The last event that is known. */
  lastId?: () => string | undefined
  /** Many at once: each makes the page new. */
  onEvents: (events: ServerEvent[]) => void
  /** The stream came to its end, or broke off. It is opened again unless `isOpen` is false then. */
  onEnd: () => void
}

/** Follows a stream of events while the page is looked at. */
export function useEvents({ path, isOpen, lastId, onEvents, onEnd }: Options) {
  const isSeen = useSyncExternalStore(subscribe, () => document.visibilityState === 'visible')
  const hear = useEffectEvent(onEvents)
  const end = useEffectEvent(onEnd)
  const known = useEffectEvent(() => lastId?.())
  useEffect(() => {
    if (!isOpen || !isSeen) return
    const control = new AbortController()
    let heard: ServerEvent[] = []
    const show = () => {
      if (heard.length === 0) return
      const events = heard
      heard = []
      hear(events)
    }
    const timer = setInterval(show, SHOWN_EVERY_MS)
    const follow = async () => {
      while (!control.signal.aborted) {
        const last = known()
        const headers: Record<string, string> = last === undefined ? {} : { 'Last-Event-ID': last }
        let isGone = false
        try {
          await readEvents(path, { headers, signal: control.signal }, (event) => heard.push(event))
        } catch (error) {
          isGone = error instanceof ApiError && error.status < 500
        }
        // It was aborted while it was waited for.
        if (isAborted(control)) return
        show()
        end()
        if (isGone) return
        await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS))
      }
    }
    void follow()
    return () => {
      clearInterval(timer)
      control.abort()
    }
  }, [path, isOpen, isSeen])
}

/** Known to change while something is awaited, which the compiler does not see. */
const isAborted = ({ signal }: AbortController) => signal.aborted

function subscribe(changed: () => void) {
  document.addEventListener('visibilitychange', changed)
  return () => document.removeEventListener('visibilitychange', changed)
}
