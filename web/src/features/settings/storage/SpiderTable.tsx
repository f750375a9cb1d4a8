import { Link } from '@tanstack/react-router'
import { Table, theme, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../../api/client'
import { EmptyState } from '../../../ui/EmptyState'
import { bytes } from '../../../ui/format'
import { ShareBar } from './ShareBar'

type Spider = Schemas['SpiderStorage']

/** The spiders that keep most, the largest first. */
export function SpiderTable({ spiders }: { spiders: Spider[] }) {
  const { t } = useTranslation('settings')
  const { t: c } = useTranslation()
  const { token } = theme.useToken()
  const colors = { items: token.colorPrimary, logs: token.colorWarning, files: token.colorSuccess }
  const most = spiders[0]?.total_bytes ?? 0
  const size = (kind: keyof typeof colors) => ({
    title: (
      <>
        <span aria-hidden style={{ color: colors[kind] }}>
          ■
        </span>{' '}
        {t(`storage.${kind}`)}
      </>
    ),
    align: 'end' as const,
    render: (_: unknown, spider: Spider) => bytes(spider[`${kind}_bytes`]),
  })
  const columns: TableColumnsType<Spider> = [
    {
      title: c('word.spider'),
      render: (_, { spider_id, name }) =>
        name ? (
          <Link to="/spiders/$spiderId" params={{ spiderId: spider_id }}>
            <bdi>{name}</bdi>
          </Link>
        ) : (
          t('storage.gone', { id: spider_id.slice(-8) })
        ),
    },
    {
      title: t('storage.share'),
      width: 220,
      render: (_, { items_bytes, logs_bytes, files_bytes }) => (
        <ShareBar
          whole={most}
          parts={[
            [items_bytes, colors.items],
            [logs_bytes, colors.logs],
            [files_bytes, colors.files],
          ]}
        />
      ),
    },
    { title: t('storage.total'), align: 'end', render: (_, { total_bytes }) => <strong>{bytes(total_bytes)}</strong> },
    size('items'),
    size('logs'),
    size('files'),
  ]
  return (
    <Table
      rowKey="spider_id"
      size="small"
      columns={columns}
      dataSource={spiders}
      pagination={false}
      scroll={spiders.length > 0 ? { x: 'max-content' } : undefined}
      locale={{ emptyText: <EmptyState title={t('storage.empty')} hint={t('storage.emptyHint')} /> }}
    />
  )
}
