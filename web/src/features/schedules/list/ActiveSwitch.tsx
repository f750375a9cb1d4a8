import { Switch, Tag } from 'antd'
import { useTranslation } from 'react-i18next'

import { useMay } from '../../session/profile'
import type { Schedule } from '../addresses'
import { useActivate } from '../useScheduleChanges'
import { nameOf } from './nameOf'

/** Whether a schedule is active; who may, changes it. */
export function ActiveSwitch({ schedule }: { schedule: Schedule }) {
  const { t } = useTranslation('schedules')
  const activate = useActivate(schedule)
  const mayChange = useMay('editor')
  if (!mayChange) {
    return schedule.is_active ? <Tag color="success">{t('active')}</Tag> : <Tag>{t('paused')}</Tag>
  }
  return (
    <Switch
      checked={schedule.is_active}
      loading={activate.isPending}
      aria-label={t('toggle', { name: nameOf(schedule, t) })}
      onChange={(to) => activate.mutate(to)}
    />
  )
}
