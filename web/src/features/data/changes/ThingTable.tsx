import { useInfiniteQuery } from '@tanstack/react-query'
import { Button, Flex, Table, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { EmptyState } from '../../../ui/EmptyState'
import { ErrorAlert } from '../../../ui/ErrorAlert'
import { onDemand } from '../../../ui/onDemand'
import { useEdited } from '../../../ui/useEdited'
import { CHANGES, read } from '../read'
import type { Thing } from '../types'
import { useThingColumns } from './columns'

const ThingDrawer = onDemand(() => import('./ThingDrawer').then((found) => found.ThingDrawer))

/** The changes in the order in which they came to be, as many as one asks for. */
export function ThingTable({ spiderId, from }: { spiderId: string; from: string | undefined }) {
  const { t } = useTranslation('data')
  const query = useInfiniteQuery({
    queryKey: [CHANGES, { spiderId, from }] as const,
    queryFn: async ({ pageParam: cursor, signal }) =>
      (await read(CHANGES, { spider_id: spiderId, since: from, cursor, page_size: 100 }, signal)).data,
    initialPageParam: undefined as string | undefined,
    // There is always a cursor, for what comes later; where nothing was behind it there is no more now.
    getNextPageParam: ({ items, next_cursor }) => (items.length > 0 ? next_cursor : undefined),
  })
  const drawer = useEdited<Thing>()
  const columns = useThingColumns(drawer.edit)
  if (query.isError && query.data === undefined) {
    return <ErrorAlert error={query.error} onRetry={() => void query.refetch()} />
  }
  const things = query.data?.pages.flatMap(({ items }) => items) ?? []
  return (
    <>
      <Table<Thing>
        rowKey="key"
        size="small"
        columns={columns}
        dataSource={things}
        loading={query.isPending}
        pagination={false}
        scroll={things.length > 0 ? { x: 'max-content' } : undefined}
        locale={{
          emptyText: query.isPending ? ' ' : <EmptyState title={t('changes.none')} hint={t('changes.noneHint')} />,
        }}
      />
      {things.length > 0 && (
        <Flex justify="center" gap="small">
          {query.hasNextPage ? (
            <Button loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
              {t('changes.more')}
            </Button>
          ) : (
            <Typography.Text type="secondary">{t('changes.end')}</Typography.Text>
          )}
        </Flex>
      )}
      <ThingDrawer spiderId={spiderId} thing={drawer.edited} isOpen={drawer.isOpen} onClose={drawer.close} />
    </>
  )
}
