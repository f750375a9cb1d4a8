import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import type { TableColumnsType } from 'antd'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'

import { get, type Schemas } from '../../../api/client'
import { EmptyState } from '../../../ui/EmptyState'
import { ListTable } from '../../../ui/ListTable'
import { useMay } from '../../session/profile'
import { ALERTS } from '../addresses'
import { useUnread } from '../useUnread'
import { AlertActions } from './AlertActions'
import { AlertCell } from './AlertCell'
import { AlertFilters } from './AlertFilters'

const route = getRouteApi('/inside/alerts')

export function AlertList() {
  const { t } = useTranslation('alerts')
  const { t: c } = useTranslation()
  const { page, page_size, level, is_read } = route.useSearch()
  const navigate = route.useNavigate()
  const isEditor = useMay('editor')
  const query = useQuery({
    ...get(ALERTS, { params: { query: { page, page_size, level, is_read } } }),
    placeholderData: keepPreviousData,
  })
  useFollowing(useUnread(), query.refetch)
  const columns: TableColumnsType<Schemas['Alert']> = [
    { title: t('list.column'), render: (_, alert) => <AlertCell alert={alert} /> },
    ...(isEditor
      ? [
          {
            title: c('word.actions'),
            width: 92,
            align: 'end' as const,
            render: (_: unknown, alert: Schemas['Alert']) => <AlertActions alert={alert} />,
          },
        ]
      : []),
  ]
  const isFiltered = level !== undefined || is_read !== undefined
  return (
    <>
      <AlertFilters />
      <ListTable
        query={query}
        columns={columns}
        scroll={{}}
        onPage={(page, page_size) => void navigate({ search: (before) => ({ ...before, page, page_size }) })}
        empty={
          isFiltered ? (
            <EmptyState title={t('list.emptyFiltered')} />
          ) : (
            <EmptyState
              title={t('list.empty')}
              hint={t('list.emptyHint')}
              action={
                <Link to="/alerts" search={{ view: 'rules' }}>
                  {t('list.showRules')}
                </Link>
              }
            />
          )
        }
      />
    </>
  )
}

/** Reads the list again when the number beside the bell has changed. */
function useFollowing(unread: number | undefined, refetch: () => unknown) {
  const known = useRef(unread)
  useEffect(() => {
    if (known.current !== undefined && known.current !== unread) refetch()
    known.current = unread
  }, [unread, refetch])
}
