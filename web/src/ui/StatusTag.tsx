import {
  CheckCircleOutlined,
  ClockCircleOutlined,
  CloseCircleOutlined,
  MinusCircleOutlined,
  SyncOutlined,
} from '@ant-design/icons'
import { Tag } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../api/client'

type Status = Schemas['TaskStatus']

const LOOKS: Record<Status, { color: string; icon: ReactNode }> = {
  pending: { color: 'default', icon: <ClockCircleOutlined /> },
  running: { color: 'processing', icon: <SyncOutlined spin /> },
  completed: { color: 'success', icon: <CheckCircleOutlined /> },
  failed: { color: 'error', icon: <CloseCircleOutlined /> },
  cancelled: { color: 'warning', icon: <MinusCircleOutlined /> },
}

/** A task's status, by word, sign and colour. */
export function StatusTag({ status }: { status: Status }) {
  const { t } = useTranslation('tasks')
  const { color, icon } = LOOKS[status]
  return (
    <Tag color={color} icon={icon}>
      {t(`status.${status}`)}
    </Tag>
  )
}
