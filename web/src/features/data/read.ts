import { queryOptions } from '@tanstack/react-query'

import type { PageOf, Schemas } from '../../api/client'
import { apiFetch } from '../../api/fetch'
import { parseExact } from './exact'
import type { Field, ItemPage, Refused, Thing, Version } from './types'

export const DATA = '/platform/api/crawlhub/data'
export const FIELDS = `${DATA}/fields` as const
export const QUARANTINE = `${DATA}/quarantine` as const
export const CHANGES = `${DATA}/changes` as const
export const VERSIONS = `${CHANGES}/versions` as const

interface Answers {
  [DATA]: ItemPage
  [FIELDS]: Field[]
  [QUARANTINE]: PageOf<Refused>
  [CHANGES]: Omit<Schemas['Changes'], 'items'> & { items: Thing[] }
  [VERSIONS]: Thing & { versions: Version[]; next_cursor?: string | null }
}
type Path = keyof Answers

export type Query = Record<string, string | number | boolean | string[] | undefined>

/** An address with its parameters; of a list each element is one. */
export function addressOf(path: string, query: Query): string {
  const params = new URLSearchParams()
  for (const [name, given] of Object.entries(query)) {
    const values = Array.isArray(given) ? given : [given]
    for (const value of values) if (value !== undefined && value !== '') params.append(name, String(value))
  }
  return params.size > 0 ? `${path}?${params}` : path
}

/** What is answered at an address, with numbers as they were sent. */
export async function read<P extends Path>(path: P, query: Query, signal?: AbortSignal) {
  const response = await apiFetch(addressOf(path, query), { signal })
  return parseExact(await response.text()) as { data: Answers[P]; msg: string }
}

/** The same as a query. Its key begins with the path, as all of them do. */
export function exact<P extends Path>(path: P, query: Query) {
  return queryOptions({
    queryKey: [path, query] as const,
    queryFn: async ({ signal }) => (await read(path, query, signal)).data,
  })
}
