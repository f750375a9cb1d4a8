import { CheckCircleOutlined, CloseCircleOutlined, MinusCircleOutlined, SyncOutlined } from '@ant-design/icons'
import { Flex, Tag, Typography } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import { TimeText } from '../../ui/TimeText'
import type { Instance } from './addresses'

const LOOKS: Record<Instance['status'], { color: string; icon: ReactNode }> = {
  creating: { color: 'processing', icon: <SyncOutlined spin /> },
  running: { color: 'success', icon: <CheckCircleOutlined /> },
  stopped: { color: 'default', icon: <MinusCircleOutlined /> },
  error: { color: 'error', icon: <CloseCircleOutlined /> },
}

/** How it is, and why it does not run. */
export function InstanceStatus({ instance: { status, stop_reason, restart_at } }: { instance: Instance }) {
  const { t } = useTranslation('instances')
  return (
    <Flex vertical gap={2} align="start">
      <Tag {...LOOKS[status]}>{t(`status.${status}`)}</Tag>
      {stop_reason && <Typography.Text type="secondary">{t(`stopReason.${stop_reason}`)}</Typography.Text>}
      {restart_at && (
        <Typography.Text type="secondary">
          {t('restartsAt')} <TimeText at={restart_at} isRelative />
        </Typography.Text>
      )}
    </Flex>
  )
}
