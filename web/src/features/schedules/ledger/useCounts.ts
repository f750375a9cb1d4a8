import { keepPreviousData, useQuery } from '@tanstack/react-query'

import { api, dataOf } from '../../../api/client'
import { SCHEDULE } from '../addresses'
import { countMonth } from './counting'

const FIRES = `${SCHEDULE}/fires` as const
const KEPT_MS = 30_000

/** How often each outcome was in a month of a schedule's ledger, by day. */
export function useCounts(id: string, month: string, zone: string) {
  return useQuery({
    queryKey: [FIRES, 'counts', id, month, zone],
    queryFn: ({ signal }) =>
      countMonth(month, zone, Date.now(), (query) =>
        dataOf(api.GET(FIRES, { params: { path: { id }, query }, signal })),
      ),
    staleTime: KEPT_MS,
    placeholderData: keepPreviousData,
  })
}
