import type { UseQueryResult } from '@tanstack/react-query'
import { Button, Table, type TableColumnsType } from 'antd'
import type { SorterResult } from 'antd/es/table/interface'
import { useTranslation } from 'react-i18next'

import { ErrorAlert } from '../../../ui/ErrorAlert'
import { narrowed, type ViewProps } from '../search'
import type { Item, ItemPage } from '../types'
import { useItemColumns } from './columns'
import { NoItems } from './NoItems'
import { sortBy } from './path'
import styles from './items.module.css'

interface Props extends ViewProps {
  query: UseQueryResult<ItemPage>
  columns: string[]
  onOpen: (item: Item) => void
}

/** A page of items; a row opens the whole of one. */
export function ItemGrid({ query, search, onSearch, columns: names, onOpen }: Props) {
  const { t } = useTranslation('data')
  const columns: TableColumnsType<Item> = useItemColumns(names, search, onOpen)
  if (query.isError && query.data === undefined) {
    return (
      <>
        <ErrorAlert error={query.error} onRetry={() => void query.refetch()} />
        {search.sort && (
          <div>
            <Button onClick={() => onSearch(narrowed({ sort: undefined }))}>{t('items.unsort')}</Button>
          </div>
        )}
      </>
    )
  }
  const items = query.data?.items ?? []
  const sort = (sorter: SorterResult<Item>) =>
    sorter.order ? sortBy(String(sorter.columnKey), sorter.order === 'descend') : undefined
  return (
    <Table<Item>
      rowKey="_id"
      size="small"
      columns={columns}
      dataSource={items}
      loading={query.isPending || query.isPlaceholderData}
      locale={{ emptyText: query.data ? <NoItems found={query.data} search={search} onSearch={onSearch} /> : ' ' }}
      pagination={false}
      scroll={items.length > 0 ? { x: 'max-content' } : undefined}
      rowClassName={styles.row}
      onRow={(item) => ({
        onClick: ({ target }) => {
          // A link is followed, and a text that is marked is to be copied.
          const isElsewhere = (target as Element).closest('a, button') !== null
          if (!isElsewhere && getSelection()?.isCollapsed !== false) onOpen(item)
        },
      })}
      onChange={(_, __, sorter) => {
        if (!Array.isArray(sorter)) onSearch(narrowed({ sort: sort(sorter) }))
      }}
    />
  )
}
