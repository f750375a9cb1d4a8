import { useQueries } from '@tanstack/react-query'

import { get } from '../../api/client'

/** Each once. */
const distinct = (ids: string[]) => [...new Set(ids)]

/** The names of these spiders, and of these users, as far as they are known: a list of editors has only their ids. */
export function useSpiderNames(ids: string[]): Map<string, string> {
  const asked = distinct(ids)
  const found = useQueries({
    queries: asked.map((id) => ({
      ...get('/platform/api/crawlhub/spiders/{id}', { params: { path: { id } } }),
      staleTime: 60_000,
    })),
  })
  return new Map(asked.flatMap((id, i) => (found[i]?.data ? [[id, found[i].data.name]] : [])))
}

export function useUserNames(ids: string[]): Map<string, string> {
  const asked = distinct(ids)
  const found = useQueries({
    queries: asked.map((id) => ({
      ...get('/platform/api/users/{id}', { params: { path: { id } } }),
      staleTime: 60_000,
    })),
  })
  return new Map(asked.flatMap((id, i) => (found[i]?.data ? [[id, found[i].data.name || found[i].data.email]] : [])))
}
