import { CheckCircleOutlined, CloseCircleOutlined, MinusCircleOutlined, SyncOutlined } from '@ant-design/icons'
import { Tag } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../api/client'

type Status = Schemas['DataSourceStatus']

const LOOKS: Record<Status, { color: string; icon: ReactNode }> = {
  active: { color: 'success', icon: <CheckCircleOutlined /> },
  inactive: { color: 'default', icon: <MinusCircleOutlined /> },
  creating: { color: 'processing', icon: <SyncOutlined spin /> },
  error: { color: 'error', icon: <CloseCircleOutlined /> },
}

/** How a database was when it was last reached for. */
export function SourceStatus({ status }: { status: Status }) {
  const { t } = useTranslation('datasources')
  return (
    <Tag color={LOOKS[status].color} icon={LOOKS[status].icon}>
      {t(`status.${status}`)}
    </Tag>
  )
}
