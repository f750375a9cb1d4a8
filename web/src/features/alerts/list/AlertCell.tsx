import { Link } from '@tanstack/react-router'
import { Flex, Tag, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../../api/client'
import { TimeText } from '../../../ui/TimeText'
import { SpiderLink } from '../SpiderLink'
import { LevelTag } from './LevelTag'

/** All that an alert says, in a column that wraps: alerts are read on phones. */
export function AlertCell({ alert }: { alert: Schemas['Alert'] }) {
  const { t } = useTranslation('alerts')
  return (
    <Flex vertical gap={4} style={{ overflowWrap: 'anywhere' }}>
      <Flex gap="small" align="center" wrap>
        <LevelTag level={alert.level} />
        <Typography.Text strong={!alert.is_read}>{t(`type.${alert.type}`)}</Typography.Text>
        {!alert.is_read && <Tag color="blue">{t('list.unread')}</Tag>}
        <Typography.Text type="secondary">
          <TimeText at={alert.created_at} isRelative />
        </Typography.Text>
      </Flex>
      <span dir="auto" style={{ whiteSpace: 'pre-line' }}>
        {alert.message}
      </span>
      <Flex gap="middle" wrap>
        {alert.spider_id && <SpiderLink id={alert.spider_id} />}
        {alert.task_id && (
          <Link to="/tasks/$taskId" params={{ taskId: alert.task_id }}>
            {t('list.ofTask')}
          </Link>
        )}
        {alert.rule_id && (
          <Link to="/alerts" search={{ view: 'rules' }}>
            {t('list.ofRule')}
          </Link>
        )}
      </Flex>
    </Flex>
  )
}
