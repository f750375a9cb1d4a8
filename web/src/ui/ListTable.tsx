import type { UseQueryResult } from '@tanstack/react-query'
import { Card, Table, type TableProps } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import type { PageOf } from '../api/client'
import { ErrorAlert } from './ErrorAlert'
import { pageItem } from './pageItem'

export interface PageSearch {
  page?: number
  page_size?: number
}

interface Props<T> extends Omit<TableProps<T>, 'dataSource' | 'loading' | 'pagination' | 'onChange'> {
  query: UseQueryResult<PageOf<T>>
  /** To another page. */
  onPage: (page: number, pageSize: number) => void
  /** What stands there where there is nothing. */
  empty: ReactNode
}

/** A list of the API, one page of it. */
export function ListTable<T extends object>({ query, onPage, empty, ...table }: Props<T>) {
  const { t } = useTranslation()
  if (query.isError && query.data === undefined) {
    return <ErrorAlert error={query.error} onRetry={() => void query.refetch()} />
  }
  const page = query.data
  if (page?.items.length === 0 && page.page === 1 && !query.isPlaceholderData) return <Card>{empty}</Card>
  return (
    <Table<T>
      rowKey="id"
      size="middle"
      // What scrolls must be reachable by keys; where there is no row, nothing is.
      scroll={page?.items.length ? { x: 'max-content' } : undefined}
      {...table}
      dataSource={page?.items ?? []}
      loading={query.isPending || query.isPlaceholderData}
      locale={{ emptyText: query.isPending ? ' ' : empty }}
      pagination={{
        itemRender: pageItem,
        current: page?.page ?? 1,
        pageSize: page?.page_size ?? 20,
        total: page?.total ?? 0,
        showSizeChanger: true,
        hideOnSinglePage: (page?.total ?? 0) <= 10,
        pageSizeOptions: [10, 20, 50, 100],
        showTotal: (total) => t('word.total', { total }),
        onChange: onPage,
      }}
    />
  )
}
