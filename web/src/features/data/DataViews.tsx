import { Skeleton } from 'antd'
import { useTranslation } from 'react-i18next'

import { ItemsView } from './items/ItemsView'
import type { View, ViewProps } from './search'
import { onDemand } from '../../ui/onDemand'
import { Views } from '../../ui/Views'

const ChangesView = onDemand(
  () => import('./changes/ChangesView').then((found) => found.ChangesView),
  <Skeleton active />,
)
const FieldsView = onDemand(() => import('./fields/FieldsView').then((found) => found.FieldsView), <Skeleton active />)
const QuarantineView = onDemand(
  () => import('./quarantine/QuarantineView').then((found) => found.QuarantineView),
  <Skeleton active />,
)

const VIEWS = { items: ItemsView, fields: FieldsView, quarantine: QuarantineView, changes: ChangesView }
const NAMES = Object.keys(VIEWS) as View[]

/** The ways to look at data. */
export function DataViews({ search, onSearch }: ViewProps) {
  const { t } = useTranslation('data')
  const { t: c } = useTranslation()
  const { view = 'items' } = search
  const View = VIEWS[view]
  return (
    <>
      <Views
        label={c('word.view')}
        views={NAMES.map((value) => ({ value, label: t(`view.${value}`) }))}
        shown={view}
        // A page of one list is none of another.
        onShow={(next) => onSearch({ view: next === 'items' ? undefined : next, page: undefined, cursor: undefined })}
      />
      <View search={search} onSearch={onSearch} />
    </>
  )
}
