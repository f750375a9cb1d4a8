import { ClockCircleOutlined, ExperimentOutlined, ReloadOutlined, UserOutlined } from '@ant-design/icons'
import { Tag } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../api/client'

type Trigger = Schemas['Trigger']

const ICONS: Record<Trigger, ReactNode> = {
  manual: <UserOutlined />,
  schedule: <ClockCircleOutlined />,
  retry: <ReloadOutlined />,
  test: <ExperimentOutlined />,
}

export const TRIGGERS = Object.keys(ICONS) as Trigger[]

/** What started a task. */
export function TriggerTag({ trigger }: { trigger: Trigger }) {
  const { t } = useTranslation('tasks')
  return <Tag icon={ICONS[trigger]}>{t(`trigger.${trigger}`)}</Tag>
}
