import { CloseCircleOutlined, InfoCircleOutlined, WarningOutlined } from '@ant-design/icons'
import { Tag } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../../api/client'

export type Level = Schemas['AlertLevel']

const LOOKS: Record<Level, { color: string; icon: ReactNode }> = {
  info: { color: 'processing', icon: <InfoCircleOutlined /> },
  warning: { color: 'warning', icon: <WarningOutlined /> },
  error: { color: 'error', icon: <CloseCircleOutlined /> },
}

export const LEVELS = Object.keys(LOOKS) as Level[]

export function LevelTag({ level }: { level: Level }) {
  const { t } = useTranslation('alerts')
  return (
    <Tag color={LOOKS[level].color} icon={LOOKS[level].icon}>
      {t(`level.${level}`)}
    </Tag>
  )
}
