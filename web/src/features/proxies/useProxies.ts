import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { api, get } from '../../api/client'
import { useChange } from '../../api/useChange'
import type { PageSearch } from '../../ui/ListTable'
import { checksOf, PROXIES, unchecked, type Checks, type Status } from './proxy'

const LOOK_AGAIN_MS = 3000
/** Checks that take longer than this are not waited for. */
const PATIENCE_MS = 120_000

/** A page of proxies, and while all are being checked, how that goes on. */
export function useProxies(search: PageSearch & { status?: Status }) {
  const { t } = useTranslation('proxies')
  const [asked, setAsked] = useState<{ before: Checks; at: number } | null>(null)
  const query = useQuery({
    ...get(PROXIES, { params: { query: search } }),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) =>
      asked && Date.now() - asked.at < PATIENCE_MS && unchecked(asked.before, state.data?.items ?? []) > 0
        ? LOOK_AGAIN_MS
        : false,
  })
  const check = useChange(() => api.POST(`${PROXIES}/check-all`), {
    refreshes: [PROXIES],
    done: t('checkAsked'),
  })
  const checkAll = () => {
    if (check.isPending) return
    const before = checksOf(query.data?.items ?? [])
    check.mutate(undefined, { onSuccess: () => setAsked({ before, at: Date.now() }) })
  }
  const isPatient = asked !== null && query.dataUpdatedAt - asked.at < PATIENCE_MS
  return { query, checkAll, waiting: isPatient ? unchecked(asked.before, query.data?.items ?? []) : 0 }
}
