import { CheckCircleOutlined, ClockCircleOutlined, CloseCircleOutlined, SyncOutlined } from '@ant-design/icons'
import { Tag } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../../api/client'

type Status = Schemas['ProjectStatus']

const LOOKS: Record<Status, { color: string; icon: ReactNode }> = {
  active: { color: 'success', icon: <CheckCircleOutlined /> },
  pending: { color: 'default', icon: <ClockCircleOutlined /> },
  syncing: { color: 'processing', icon: <SyncOutlined spin /> },
  error: { color: 'error', icon: <CloseCircleOutlined /> },
}

/** How a project's repository is. */
export function SyncStatus({ status }: { status: Status }) {
  const { t } = useTranslation('projects')
  return <Tag {...LOOKS[status]}>{t(`git.status.${status}`)}</Tag>
}
