import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'

import { get } from '../../api/client'
import { EmptyState } from '../../ui/EmptyState'
import { ListTable } from '../../ui/ListTable'
import { PageHeader } from '../../ui/PageHeader'
import { useColumns } from './columns'
import { useSpiderNames, useUserNames } from './names'
import { EDITORS, isActive } from './session'

const route = getRouteApi('/inside/code-sessions')

/** Everybody's editors. */
export function CodeSessionsPage() {
  const { t } = useTranslation('codeSessions')
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const query = useQuery({
    ...get(EDITORS, { params: { query: search } }),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state: { data } }) => (data?.items.some(isActive) ? 10_000 : false),
  })
  const sessions = query.data?.items ?? []
  const columns = useColumns({
    spiders: useSpiderNames(sessions.map((session) => session.spider_id)),
    users: useUserNames(sessions.map((session) => session.user_id)),
  })
  return (
    <>
      <PageHeader title={t('title')} lead={t('lead')} />
      <ListTable
        query={query}
        columns={columns}
        onPage={(page, page_size) => void navigate({ search: { page, page_size } })}
        empty={<EmptyState title={t('empty')} hint={t('emptyHint')} />}
      />
    </>
  )
}
