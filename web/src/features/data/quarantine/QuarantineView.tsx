import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Flex, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { EmptyState } from '../../../ui/EmptyState'
import { ListTable } from '../../../ui/ListTable'
import { onDemand } from '../../../ui/onDemand'
import { useEdited } from '../../../ui/useEdited'
import { useMay } from '../../session/profile'
import { exact, QUARANTINE } from '../read'
import type { ViewProps } from '../search'
import type { Refused } from '../types'
import { useRefusedColumns } from './columns'
import { DeleteRefused } from './DeleteRefused'
import { ReplayButton } from './ReplayButton'

const ItemDrawer = onDemand(() => import('../items/ItemDrawer').then((found) => found.ItemDrawer))

/** The items that were refused. */
export function QuarantineView({ search, onSearch }: ViewProps) {
  const { t } = useTranslation('data')
  const isEditor = useMay('editor')
  const { spider_id, task_id, page, page_size } = search
  const query = useQuery({
    ...exact(QUARANTINE, { spider_id, task_id, page, page_size }),
    placeholderData: keepPreviousData,
  })
  const drawer = useEdited<Refused>()
  const columns = useRefusedColumns(search, drawer.edit)
  const items = query.data?.items ?? []
  // A task is of one spider, also where only the task is named.
  const spiderId = spider_id ?? (task_id === undefined ? undefined : items[0]?.spider_id)
  return (
    <Flex vertical gap="small">
      <Flex gap="small" align="start" justify="space-between" wrap>
        <Typography.Text type="secondary" style={{ maxWidth: 720 }}>
          {t('quarantine.about')}
        </Typography.Text>
        {isEditor && items.length > 0 && (
          <Flex gap="small" wrap>
            <ReplayButton spiderId={spiderId} taskId={task_id} />
            {(spider_id ?? task_id) !== undefined && <DeleteRefused search={search} total={query.data?.total} />}
          </Flex>
        )}
      </Flex>
      <ListTable
        query={query}
        rowKey="_id"
        size="small"
        columns={columns}
        onPage={(page, page_size) => onSearch({ page, page_size })}
        empty={<EmptyState title={t('quarantine.none')} hint={t('quarantine.noneHint')} />}
      />
      <ItemDrawer item={drawer.edited} isOpen={drawer.isOpen} onClose={drawer.close} />
    </Flex>
  )
}
