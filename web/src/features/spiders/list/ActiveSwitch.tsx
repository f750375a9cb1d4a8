import { Switch, Tag } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, type Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { useMay } from '../../session/profile'
import { DASHBOARD, SCHEDULES, SPIDER, SPIDER_ALONE } from '../addresses'

/** Whether its schedules run it. */
export function ActiveSwitch({ spider: { id, name, is_active } }: { spider: Schemas['Spider'] }) {
  const { t } = useTranslation('spiders')
  const { t: c } = useTranslation()
  const change = useChange((to: boolean) => api.PUT(SPIDER, { params: { path: { id } }, body: { is_active: to } }), {
    refreshes: [...SPIDER_ALONE, SCHEDULES, DASHBOARD],
  })
  if (!useMay('editor')) {
    return <Tag color={is_active ? 'success' : 'default'}>{c(is_active ? 'word.enabled' : 'word.disabled')}</Tag>
  }
  return (
    <Switch
      size="small"
      aria-label={t('activeOf', { name })}
      checked={is_active}
      loading={change.isPending}
      onChange={(to) => change.mutate(to)}
    />
  )
}
