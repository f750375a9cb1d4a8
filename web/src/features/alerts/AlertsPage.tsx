import { getRouteApi } from '@tanstack/react-router'
import { Tabs } from 'antd'
import { useTranslation } from 'react-i18next'

import { PageHeader } from '../../ui/PageHeader'
import { ChannelList } from './channels/ChannelList'
import { DeliveryList } from './deliveries/DeliveryList'
import { AlertList } from './list/AlertList'
import { RuleList } from './rules/RuleList'

const route = getRouteApi('/inside/alerts')
const VIEWS = { alerts: AlertList, rules: RuleList, channels: ChannelList, deliveries: DeliveryList }

/** What went wrong, what is looked for, and who is told. */
export function AlertsPage() {
  const { t } = useTranslation('alerts')
  const { t: c } = useTranslation()
  const { view = 'alerts' } = route.useSearch()
  const navigate = route.useNavigate()
  const items = (Object.keys(VIEWS) as (keyof typeof VIEWS)[]).map((key) => {
    const View = VIEWS[key]
    return { key, label: t(`view.${key}`), children: <View /> }
  })
  const show = (key: string) => {
    const view = items.find((item) => item.key === key)?.key
    void navigate({ search: view === 'alerts' ? {} : { view } })
  }
  return (
    <>
      <PageHeader title={c('nav.alerts')} lead={t('lead')} />
      <Tabs activeKey={view} items={items} onChange={show} destroyOnHidden />
    </>
  )
}
