import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'

import { changed } from '../../../api/client'
import { readEvents, type ServerEvent } from '../../../api/eventStream'
import { newRun, runAfter, type Run } from './run'

const SHOWN_EVERY_MS = 100

export interface TestRun {
  run: Run | null
  isFollowed: boolean
  /** Why it was not started, or is not followed any more. */
  error: unknown
}

/** A test run of the spider, followed while this page is open. Leaving does not stop it. */
export function useTestRun(spiderId: string) {
  const client = useQueryClient()
  const [state, setState] = useState<TestRun>({ run: null, isFollowed: false, error: null })
  const following = useRef<AbortController | null>(null)
  useEffect(() => () => following.current?.abort(), [])

  const start = async () => {
    const control = new AbortController()
    following.current?.abort()
    following.current = control
    let heard: ServerEvent[] = []
    // A loud spider says thousands of lines a second: they are shown some at a time.
    const show = () => {
      if (heard.length === 0 || control.signal.aborted) return
      const events = heard
      heard = []
      setState((now) => (now.run ? { ...now, run: runAfter(now.run, events) } : now))
    }
    const timer = setInterval(show, SHOWN_EVERY_MS)
    setState({ run: newRun(Date.now()), isFollowed: true, error: null })
    const path = `/platform/api/crawlhub/spiders/${spiderId}/test-run`
    const init = {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{}',
      signal: control.signal,
    }
    let error: unknown = null
    try {
      await readEvents(path, init, (event) => heard.push(event))
    } catch (failure) {
      error = failure
    }
    clearInterval(timer)
    if (control.signal.aborted) return
    show()
    setState((now) => ({ ...now, isFollowed: false, error }))
    await changed(client, '/platform/api/crawlhub/tasks', '/platform/api/crawlhub/data')
  }

  return { ...state, start }
}
