import { useQuery } from '@tanstack/react-query'

import { get, type Schemas } from '../../api/client'

type Role = Schemas['Role']

const RANKS: Record<Role, number> = { viewer: 0, editor: 1, admin: 2 }

export const profile = () => ({ ...get('/platform/api/account/profile'), staleTime: 60_000 })

/** Whoever is signed in. */
export const useProfile = () => useQuery(profile()).data

/** Whether whoever is signed in has this role, or more. Buttons that would be refused are not shown. */
export function useMay(role: Role): boolean {
  const own = useProfile()
  return own !== undefined && RANKS[own.role] >= RANKS[role]
}
