import type { QueryClient } from '@tanstack/react-query'

import { signedIn } from '../../api/session'
import { profile } from './profile'

/** When somebody has signed in: what waits goes on, unless this page is another user's. */
export async function goOn(client: QueryClient) {
  const before = client.getQueryData(profile().queryKey)
  const now = await client.query({ ...profile(), staleTime: 0 })
  if (before && now.id !== before.id) location.reload()
  else signedIn()
}
