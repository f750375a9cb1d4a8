import { Table, Typography, type TableColumnsType } from 'antd'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'

import { EmptyState } from '../../../ui/EmptyState'
import { cellText, fieldsOf, MOST_FIELDS } from './columns'
import type { Item, Run } from './run'

/** What the run found, the newest first; each in full on demand. */
export function ItemsTable({ run: { items, itemCount } }: { run: Run }) {
  const { t } = useTranslation('files')
  const newestFirst = useMemo(() => items.toReversed(), [items])
  const fields = useMemo(() => fieldsOf(items), [items])
  if (items.length === 0) return <EmptyState title={t('console.noItems')} hint={t('console.noItemsHint')} />
  const columns: TableColumnsType<Item> = [
    { title: '#', dataIndex: 'number', width: 56 },
    ...fields.slice(0, MOST_FIELDS).map((field) => ({
      title: <bdi>{field}</bdi>,
      key: field,
      ellipsis: true,
      width: 140,
      render: (_: unknown, { data }: Item) => <bdi>{cellText(data[field])}</bdi>,
    })),
  ]
  const hidden = fields.length - MOST_FIELDS
  return (
    <>
      <Typography.Text type="secondary" style={{ display: 'block', padding: '4px 8px' }}>
        {items.length < itemCount && `${t('console.lastItems', { kept: items.length, count: itemCount })} `}
        {hidden > 0 && t('console.moreFields', { count: hidden })}
      </Typography.Text>
      <Table<Item>
        rowKey="number"
        size="small"
        columns={columns}
        dataSource={newestFirst}
        scroll={{ x: 'max-content' }}
        pagination={{ pageSize: 20, size: 'small', showSizeChanger: false, hideOnSinglePage: true }}
        expandable={{
          expandedRowRender: ({ data }) => (
            <pre style={{ margin: 0, whiteSpace: 'pre-wrap', overflowWrap: 'anywhere', maxWidth: 560 }}>
              {JSON.stringify(data, null, 2)}
            </pre>
          ),
        }}
      />
    </>
  )
}
