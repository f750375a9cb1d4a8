import { Switch, Tag } from 'antd'
import { useTranslation } from 'react-i18next'

import { useChange } from '../../api/useChange'
import { useMay } from '../session/profile'

interface Props {
  isEnabled: boolean
  /** What is switched. */
  label: string
  onSwitch: (to: boolean) => Promise<unknown>
  refreshes: string[]
}

/** Whether a rule or a channel is on. */
export function EnabledSwitch({ isEnabled, label, onSwitch, refreshes }: Props) {
  const { t } = useTranslation()
  const change = useChange(onSwitch, { refreshes })
  if (!useMay('editor')) {
    return <Tag color={isEnabled ? 'success' : 'default'}>{t(isEnabled ? 'word.enabled' : 'word.disabled')}</Tag>
  }
  return (
    <Switch
      checked={isEnabled}
      aria-label={label}
      loading={change.isPending}
      onChange={(to) => change.mutate(to)}
      checkedChildren={t('word.enabled')}
      unCheckedChildren={t('word.disabled')}
    />
  )
}
