import { Link } from '@tanstack/react-router'
import { Descriptions, Drawer, Flex, Tag } from 'antd'
import { useTranslation } from 'react-i18next'

import { TimeText } from '../../../ui/TimeText'
import { SpiderLink } from '../../alerts/SpiderLink'
import type { Item } from '../types'
import { JsonText } from './JsonText'

interface Props {
  /** With a reason: it was refused. */
  item: (Item & { reason?: string }) | null
  isOpen: boolean
  onClose: () => void
}

/** The whole of an item. */
export function ItemDrawer({ item, isOpen, onClose }: Props) {
  const { t } = useTranslation('data')
  const { t: c } = useTranslation()
  return (
    <Drawer open={isOpen} onClose={onClose} size={640} title={t('items.one')} destroyOnHidden>
      {item && (
        <Flex vertical gap="middle">
          <Descriptions
            size="small"
            column={1}
            items={[
              {
                key: 'at',
                label: t('items.at'),
                children: (
                  <Flex gap="small">
                    <TimeText at={item.created_at} />
                    {item.is_test && <Tag>{t('scope.test')}</Tag>}
                  </Flex>
                ),
              },
              { key: 'spider', label: c('word.spider'), children: <SpiderLink id={item.spider_id} /> },
              {
                key: 'task',
                label: c('word.task'),
                children: (
                  <Link to="/tasks/$taskId" params={{ taskId: item.task_id }}>
                    {item.task_id}
                  </Link>
                ),
              },
              ...(item.reason === undefined
                ? []
                : [{ key: 'reason', label: t('quarantine.reason'), children: <bdi>{item.reason}</bdi> }]),
            ]}
          />
          <JsonText value={item.data} />
        </Flex>
      )}
    </Drawer>
  )
}
