import { CheckCircleOutlined, ClockCircleOutlined, StopOutlined } from '@ant-design/icons'
import { Tag } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import type { Status } from './proxy'

const LOOKS: Record<Status, { color: string; icon: ReactNode }> = {
  active: { color: 'success', icon: <CheckCircleOutlined /> },
  inactive: { color: 'default', icon: <StopOutlined /> },
  cooldown: { color: 'warning', icon: <ClockCircleOutlined /> },
}

export function ProxyStatus({ status }: { status: Status }) {
  const { t } = useTranslation('proxies')
  return (
    <Tag color={LOOKS[status].color} icon={LOOKS[status].icon}>
      {t(`status.${status}`)}
    </Tag>
  )
}
