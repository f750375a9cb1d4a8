import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Button } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import { get } from '../../../api/client'
import { EmptyState } from '../../../ui/EmptyState'
import { ListTable } from '../../../ui/ListTable'
import { isActive, TASKS } from '../addresses'
import { useColumns } from './columns'
import { isFiltered, type TaskSearch } from './search'
import { TaskFilters } from './TaskFilters'

const LOOK_AGAIN_MS = 3000

interface Props {
  /** All of them are this spider's. */
  spiderId?: string
  search: TaskSearch
  onSearch: (search: TaskSearch) => void
  /** What stands there where there is no task at all. */
  empty: ReactNode
}

/** Tasks, newest first. */
export function TaskTable({ spiderId, search, onSearch, empty }: Props) {
  const { t } = useTranslation('tasks')
  const query = useQuery({
    ...get(TASKS, { params: { query: { ...search, spider_id: spiderId ?? search.spider_id } } }),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.data?.items.some(isActive) ? LOOK_AGAIN_MS : false),
  })
  const columns = useColumns(!spiderId, query.dataUpdatedAt)
  const clear = <Button onClick={() => onSearch({ page_size: search.page_size })}>{t('clearFilters')}</Button>
  return (
    <>
      <TaskFilters search={search} hasSpider={!spiderId} onSearch={onSearch} onRefresh={query.refetch} />
      <ListTable
        query={query}
        columns={columns}
        onPage={(page, page_size) => onSearch({ ...search, page, page_size })}
        empty={isFiltered(search) ? <EmptyState title={t('emptyFiltered')} action={clear} /> : empty}
      />
    </>
  )
}
