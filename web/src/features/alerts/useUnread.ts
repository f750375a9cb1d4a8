import { useQuery } from '@tanstack/react-query'

import { get } from '../../api/client'
import { ALERTS } from './addresses'

const REFRESH_MS = 30_000

/** How many alerts nobody has read; looked at again and again wherever one is. */
export function useUnread(): number | undefined {
  return useQuery({ ...get(`${ALERTS}/unread-count`), refetchInterval: REFRESH_MS }).data?.count
}
