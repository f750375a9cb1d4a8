import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'

import { changed, type Schemas } from '../../../api/client'
import { ApiError } from '../../../api/errors'
import { readEvents } from '../../../api/eventStream'
import { addressOf, WORKSPACE } from '../addresses'
import { NOTHING, withPrinted } from './output'

type Outcome = Schemas['CommandOutcome']

export type Progress =
  | { is: 'idle' }
  | { is: 'running' }
  | { is: 'done'; outcome: Outcome }
  | { is: 'stopped' }
  | { is: 'failed'; error: unknown }

/** Runs commands, one at a time, and shows what they print as they do. */
export function useCommand(name: string) {
  const client = useQueryClient()
  const [output, setOutput] = useState(NOTHING)
  const [progress, setProgress] = useState<Progress>({ is: 'idle' })
  const running = useRef<AbortController | null>(null)
  // Hanging up ends it.
  useEffect(() => () => running.current?.abort(), [])

  const run = async (command: Schemas['Command']) => {
    const stop = new AbortController()
    running.current = stop
    setOutput(NOTHING)
    setProgress({ is: 'running' })
    // An array, as what a callback sets is not seen in a variable.
    const ends: Outcome[] = []
    const init = {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(command),
      signal: stop.signal,
    }
    try {
      await readEvents(addressOf(name, 'exec/stream'), init, ({ event, data }) => {
        if (event === 'stdout' || event === 'stderr') {
          const { text } = JSON.parse(data) as { text: string }
          setOutput((before) => withPrinted(before, event, text))
        } else if (event === 'exit') ends.push(JSON.parse(data) as Outcome)
        else if (event === 'error') throw errorIn(data)
      })
      const [outcome] = ends
      if (!outcome) throw new ApiError(502, 'cut_off', '')
      setProgress({ is: 'done', outcome })
    } catch (error) {
      setProgress(stop.signal.aborted ? { is: 'stopped' } : { is: 'failed', error })
    } finally {
      running.current = null
      await changed(client, WORKSPACE)
    }
  }
  return { output, progress, run, stop: () => running.current?.abort() }
}

/** In the envelope of any error. */
function errorIn(data: string): ApiError {
  const { code, msg, data: inner } = JSON.parse(data) as Schemas['ErrorBody']
  return new ApiError(code, inner.error, msg)
}
