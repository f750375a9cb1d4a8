import { Flex, Tag, Typography, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import { SpiderLink } from '../../alerts/SpiderLink'
import { ValueCell } from '../items/ValueCell'
import { OpenButton } from '../OpenButton'
import type { DataSearch } from '../search'
import type { Refused } from '../types'

export function useRefusedColumns(
  { spider_id, task_id }: DataSearch,
  onOpen: (item: Refused) => void,
): TableColumnsType<Refused> {
  const { t } = useTranslation('data')
  const { t: c } = useTranslation()
  return [
    {
      title: t('quarantine.at'),
      width: 190,
      render: (_, item) => (
        <Flex align="center">
          <OpenButton at={item.created_at} title={t('items.open')} onOpen={() => onOpen(item)} />
          {item.is_test && <Tag>{t('scope.test')}</Tag>}
        </Flex>
      ),
    },
    ...(spider_id === undefined && task_id === undefined
      ? [{ title: c('word.spider'), render: (_: unknown, item: Refused) => <SpiderLink id={item.spider_id} /> }]
      : []),
    {
      title: t('quarantine.reason'),
      render: (_, { reason }) => (
        <Typography.Text style={{ display: 'block', minWidth: 240, maxWidth: 480, overflowWrap: 'anywhere' }}>
          <bdi>{reason}</bdi>
        </Typography.Text>
      ),
    },
    { title: t('quarantine.data'), render: (_, { data }) => <ValueCell value={data} /> },
  ]
}
