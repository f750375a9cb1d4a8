import { CheckCircleOutlined, CloseCircleOutlined, ForwardOutlined, PauseCircleOutlined } from '@ant-design/icons'
import { Tag } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import type { Outcome } from '../addresses'

const LOOKS: Record<Outcome, { color: string; icon: ReactNode }> = {
  fired: { color: 'success', icon: <CheckCircleOutlined /> },
  skipped_overlap: { color: 'warning', icon: <ForwardOutlined /> },
  skipped_paused: { color: 'default', icon: <PauseCircleOutlined /> },
  missed: { color: 'error', icon: <CloseCircleOutlined /> },
}

/** What became of a planned time, by word, sign and colour. */
export function OutcomeTag({ outcome }: { outcome: Outcome }) {
  const { t } = useTranslation('schedules')
  const { color, icon } = LOOKS[outcome]
  return (
    <Tag color={color} icon={icon}>
      {t(`outcome.${outcome}`)}
    </Tag>
  )
}

export const iconOf = (outcome: Outcome) => LOOKS[outcome].icon
