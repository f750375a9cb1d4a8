import { CheckCircleOutlined, CloseCircleOutlined, MinusCircleOutlined, SyncOutlined } from '@ant-design/icons'
import { Tag } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import type { CodeSession } from './session'

const busy = { color: 'processing', icon: <SyncOutlined spin /> }

const LOOKS: Record<CodeSession['status'], { color: string; icon: ReactNode }> = {
  pending: busy,
  starting: busy,
  ready: { color: 'success', icon: <CheckCircleOutlined /> },
  syncing: busy,
  stopped: { color: 'default', icon: <MinusCircleOutlined /> },
  failed: { color: 'error', icon: <CloseCircleOutlined /> },
}

export function SessionStatus({ status }: { status: CodeSession['status'] }) {
  const { t } = useTranslation('codeSessions')
  return <Tag {...LOOKS[status]}>{t(`status.${status}`)}</Tag>
}
