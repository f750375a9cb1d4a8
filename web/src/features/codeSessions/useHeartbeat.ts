import { useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'

import { api, dataOf } from '../../api/client'
import { OWN_EDITOR, ownEditorKey, type CodeSession } from './session'

const EVERY_MS = 60_000
/** For so long after the last key or click somebody is taken to sit there, reading. */
const ATTENDED_MS = 10 * 60_000

export function beat(spiderId: string, active: boolean): Promise<CodeSession> {
  return dataOf(api.POST(`${OWN_EDITOR}/heartbeat`, { params: { path: { spider_id: spiderId } }, body: { active } }))
}

/** Keeps the editor open while this page is looked at; a page that is only left open does not. */
export function useHeartbeat(spiderId: string, session: CodeSession | null) {
  const client = useQueryClient()
  const isReady = session?.status === 'ready'
  useEffect(() => {
    if (!isReady) return
    let attendedAt = Date.now()
    let beatAt = 0
    const attend = () => {
      attendedAt = Date.now()
    }
    const tick = () => {
      const now = Date.now()
      if (document.visibilityState !== 'visible' || now - beatAt < EVERY_MS / 2) return
      beatAt = now
      beat(spiderId, now - attendedAt < ATTENDED_MS).then(
        (next) => client.setQueryData(ownEditorKey(spiderId), next),
        // It is over, or it will be heard of in a minute.
        () => client.invalidateQueries({ queryKey: ownEditorKey(spiderId) }),
      )
    }
    const seen = () => {
      attend()
      tick()
    }
    const timer = setInterval(tick, EVERY_MS)
    const signs = ['pointerdown', 'keydown', 'wheel'] as const
    for (const sign of signs) addEventListener(sign, attend, { passive: true })
    document.addEventListener('visibilitychange', seen)
    tick()
    return () => {
      clearInterval(timer)
      for (const sign of signs) removeEventListener(sign, attend)
      document.removeEventListener('visibilitychange', seen)
    }
  }, [spiderId, isReady, client])
}
