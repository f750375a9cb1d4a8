import { getRouteApi } from '@tanstack/react-router'
import { Skeleton } from 'antd'
import { useTranslation } from 'react-i18next'

import { onDemand } from '../../ui/onDemand'
import { PageHeader } from '../../ui/PageHeader'
import { Views } from '../../ui/Views'
import { AlertList } from './list/AlertList'

const ChannelList = onDemand(
  () => import('./channels/ChannelList').then((found) => found.ChannelList),
  <Skeleton active />,
)
const DeliveryList = onDemand(
  () => import('./deliveries/DeliveryList').then((found) => found.DeliveryList),
  <Skeleton active />,
)
const RuleList = onDemand(() => import('./rules/RuleList').then((found) => found.RuleList), <Skeleton active />)

const route = getRouteApi('/inside/alerts')
const VIEWS = { alerts: AlertList, rules: RuleList, channels: ChannelList, deliveries: DeliveryList }
const NAMES = Object.keys(VIEWS) as (keyof typeof VIEWS)[]

/** What went wrong, what is looked for, and who is told. */
export function AlertsPage() {
  const { t } = useTranslation('alerts')
  const { t: c } = useTranslation()
  const { view = 'alerts' } = route.useSearch()
  const navigate = route.useNavigate()
  const View = VIEWS[view]
  return (
    <>
      <PageHeader title={c('nav.alerts')} lead={t('lead')} />
      <Views
        label={c('word.view')}
        views={NAMES.map((value) => ({ value, label: t(`view.${value}`) }))}
        shown={view}
        onShow={(next) => void navigate({ search: next === 'alerts' ? {} : { view: next } })}
      />
      <View />
    </>
  )
}
