import { useInfiniteQuery } from '@tanstack/react-query'
import { useEffect } from 'react'

import { api, dataOf, type Schemas } from '../../../api/client'
import { SPIDER } from '../addresses'

export interface LogQuery {
  q?: string
  level?: Schemas['Level']
  from?: string
  to?: string
}

const SEARCH = `${SPIDER}/logs/search` as const

/** Lines that are found, some at a time. One call looks through a part of the logs only: it goes on until there are some
 * to show, or all is looked through. */
export function useHits(spiderId: string, query: LogQuery) {
  const found = useInfiniteQuery({
    queryKey: [SEARCH, spiderId, query],
    queryFn: ({ pageParam: cursor, signal }) =>
      dataOf(
        api.GET(SEARCH, {
          params: { path: { id: spiderId }, query: { ...query, cursor: cursor ?? undefined } },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next_cursor }) => next_cursor,
    staleTime: 'static',
  })
  const { hasNextPage, isFetching, isError, fetchNextPage } = found
  const isBare = found.data?.pages.at(-1)?.items.length === 0
  useEffect(() => {
    if (isBare && hasNextPage && !isFetching && !isError) void fetchNextPage()
  }, [isBare, hasNextPage, isFetching, isError, fetchNextPage])
  return { ...found, hits: found.data?.pages.flatMap(({ items }) => items) ?? [] }
}
