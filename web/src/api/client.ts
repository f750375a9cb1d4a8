import { queryOptions, type QueryClient } from '@tanstack/react-query'
import createClient, { type FetchResponse, type MaybeOptionalInit } from 'openapi-fetch'
import type { PathsWithMethod } from 'openapi-typescript-helpers'

import { apiFetch } from './fetch'
import type { components, paths } from './schema'
import { tellTabs } from './tabs'

/** The objects of the API, by their names in `openapi.json`. */
export type Schemas = components['schemas']

/** A page of a list, as every list of the API answers. */
export interface PageOf<T> {
  items: T[]
  page: number
  page_size: number
  total?: number | null
  total_pages?: number | null
  next_cursor?: string | null
}

/** Every route, typed by `openapi.json`. What is no success is thrown as an `ApiError`. */
export const api = createClient<paths>({
  fetch: apiFetch,
  querySerializer: { array: { style: 'form', explode: true } },
})

interface Enveloped<T> {
  data?: T
}

/** What is in the envelope of an answer. */
export async function dataOf<T>(answer: Promise<{ data?: Enveloped<T> }>): Promise<NonNullable<T>> {
  const { data } = await answer
  return data?.data as NonNullable<T>
}

type GetPath = PathsWithMethod<paths, 'get'>
type GetInit<P extends GetPath> = MaybeOptionalInit<paths[P], 'get'>
type GetBody<P extends GetPath> = FetchResponse<
  paths[P]['get'] & Record<string, unknown>,
  unknown,
  'application/json'
>['data']
/** What a route answers, out of its envelope. */
export type Got<P extends GetPath> = NonNullable<GetBody<P>> extends { data?: infer D } ? NonNullable<D> : never

/** A query of a route: `useQuery(get('/platform/api/crawlhub/spiders', { params: { query: { page: 1 } } }))`. */
export function get<P extends GetPath>(path: P, init?: NoInfer<GetInit<P>>) {
  return queryOptions({
    queryKey: [path, init ?? {}] as const,
    queryFn: async ({ signal }): Promise<Got<P>> => {
      const request = api.GET as (path: P, init: object) => Promise<{ data?: Enveloped<Got<P>> }>
      return dataOf(request(path, { ...init, signal }))
    },
  })
}

const END = '$'

/** An address without what is below it, for {@link refresh}. */
export const only = (address: string) => `${address}${END}`

/** Asks again for all that was read at or below one of these addresses. */
export function refresh(client: QueryClient, ...addresses: string[]) {
  return client.invalidateQueries({
    predicate: ({ queryKey: [path] }) =>
      typeof path === 'string' && addresses.some((address) => `${path}${END}`.startsWith(address)),
  })
}

/** As {@link refresh}, in all tabs: of what was changed in this one. */
export function changed(client: QueryClient, ...addresses: string[]) {
  tellTabs({ changed: addresses })
  return refresh(client, ...addresses)
}
