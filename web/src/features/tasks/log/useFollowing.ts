import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useEffectEvent } from 'react'

import { refresh } from '../../../api/client'
import { TASK } from '../addresses'
import { useEvents } from '../useEvents'
import type { Log } from './useLog'
import type { Line } from './window'

const LOOK_AGAIN_MS = 2000

interface Options {
  taskId: string
  log: Log
  isFiltered: boolean
  /** The task may print more. */
  isRunning: boolean
  /** The end of the log is looked at. */
  isFollowed: boolean
}

/** Whether the end of the log is shown as it grows. Who reads further up gets what is new when he comes to the end. */
export function useFollowing({ taskId, log, isFiltered, isRunning, isFollowed }: Options): boolean {
  const client = useQueryClient()
  const isLive = isRunning && isFollowed && log.held?.isEnd === true
  useEvents({
    path: `${TASK.replace('{id}', taskId)}/logs/stream`,
    isOpen: isLive && !isFiltered,
    lastId: () => String(log.held?.after ?? 0),
    onEvents: (events) =>
      log.add(events.filter(({ event }) => event === 'message').map(({ data }) => JSON.parse(data) as Line)),
    onEnd: () => void refresh(client, TASK),
  })
  // The stream knows no filter.
  const look = useEffectEvent(() => {
    if (document.visibilityState === 'visible') void log.loadLater()
  })
  const isAsked = isLive && isFiltered
  useEffect(() => {
    if (!isAsked) return
    const timer = setInterval(look, LOOK_AGAIN_MS)
    return () => clearInterval(timer)
  }, [isAsked])
  // The task's last lines.
  const { reopenEnd } = log
  useEffect(() => {
    if (isRunning) return reopenEnd
  }, [isRunning, reopenEnd])
  return isLive
}
