import { queryOptions } from '@tanstack/react-query'

import { api, dataOf, type Schemas } from '../../api/client'
import { ApiError } from '../../api/errors'

export type CodeSession = Schemas['Shown']

/** Addresses below which editors are read. */
export const EDITORS = '/platform/api/crawlhub/code-sessions'
export const OWN_EDITOR = '/platform/api/crawlhub/spiders/{spider_id}/code-session'

const CHANGING = ['pending', 'starting', 'syncing']

/** Whether it becomes something else soon, without anybody doing anything. */
export const isChanging = (session: CodeSession) => CHANGING.includes(session.status)

export const isActive = (session: CodeSession) => isChanging(session) || session.status === 'ready'

const initOf = (spiderId: string) => ({ params: { path: { spider_id: spiderId } } })

export function askForEditor(spiderId: string): Promise<CodeSession> {
  const params = { ...initOf(spiderId).params, query: { wait: false } }
  return dataOf(api.POST(OWN_EDITOR, { params }))
}

export function lookAtEditor(spiderId: string, signal?: AbortSignal): Promise<CodeSession> {
  return dataOf(api.GET(OWN_EDITOR, { ...initOf(spiderId), signal }))
}

export const ownEditorKey = (spiderId: string) => [OWN_EDITOR, initOf(spiderId)] as const

/** The caller's editor of the spider; null where none is open. */
export function ownEditor(spiderId: string) {
  return queryOptions({
    queryKey: ownEditorKey(spiderId),
    queryFn: async ({ signal }) => {
      try {
        return await lookAtEditor(spiderId, signal)
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return null
        throw error
      }
    },
    refetchInterval: ({ state: { data } }) => (data && isChanging(data) ? 1500 : false),
  })
}
