import { CheckCircleOutlined, ClockCircleOutlined, CloseCircleOutlined } from '@ant-design/icons'
import { Tag } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../../api/client'

export type Status = Schemas['DeliveryStatus']

const LOOKS: Record<Status, { color: string; icon: ReactNode }> = {
  pending: { color: 'processing', icon: <ClockCircleOutlined /> },
  delivered: { color: 'success', icon: <CheckCircleOutlined /> },
  failed: { color: 'error', icon: <CloseCircleOutlined /> },
}

export const STATUSES = Object.keys(LOOKS) as Status[]

export function DeliveryStatus({ status }: { status: Status }) {
  const { t } = useTranslation('alerts')
  return (
    <Tag color={LOOKS[status].color} icon={LOOKS[status].icon}>
      {t(`deliveries.status.${status}`)}
    </Tag>
  )
}
