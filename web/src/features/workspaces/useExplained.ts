import { useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'

import { api } from '../../api/client'
import type { End } from '../../ui/terminal/end'
import { WORKSPACE, workspaceOf } from './addresses'
import { isFull } from './usage'

const MINUTE_MS = 60_000

/** Why a terminal of the workspace is over, in words. A WebSocket does not say it, so the workspace is looked at. */
export function useExplained(name: string) {
  const { t } = useTranslation('terminal')
  const client = useQueryClient()
  return async (end: End, typedAt: number): Promise<string> => {
    if (end.kind === 'exit') return t('end.exit', { code: end.code })
    if (end.kind === 'gone' || end.kind === 'lost') return t(`end.${end.kind}`)
    const typedAgo = Date.now() - typedAt
    const workspace = await client.query({ ...workspaceOf(name), staleTime: 0 })
    const { usage, limits } = workspace
    if (end.kind === 'refused') {
      if (usage.terminals >= limits.terminals) return t('end.tooMany', { count: usage.terminals })
      // What keeps a terminal from being opened keeps a command from being run, which says why.
      await api.POST(`${WORKSPACE}/exec`, { params: { path: { name } }, body: { command: ':', timeout: 30 } })
      return t('end.refused')
    }
    if (isFull(workspace)) return t('end.full')
    // It is looked at every few seconds.
    const isIdle = typedAgo >= limits.idle_minutes * MINUTE_MS - 5000
    return isIdle ? t('end.idle', { count: limits.idle_minutes }) : t('end.closed')
  }
}
