import { Tabs } from 'antd'
import { useTranslation } from 'react-i18next'

import { ChangesView } from './changes/ChangesView'
import { FieldsView } from './fields/FieldsView'
import { ItemsView } from './items/ItemsView'
import { QuarantineView } from './quarantine/QuarantineView'
import type { View, ViewProps } from './search'

const VIEWS = { items: ItemsView, fields: FieldsView, quarantine: QuarantineView, changes: ChangesView }

/** The ways to look at data. */
export function DataViews({ search, onSearch }: ViewProps) {
  const { t } = useTranslation('data')
  const items = (Object.keys(VIEWS) as View[]).map((key) => {
    const View = VIEWS[key]
    return { key, label: t(`view.${key}`), children: <View search={search} onSearch={onSearch} /> }
  })
  const show = (key: string) => {
    const view = items.find((item) => item.key === key)?.key
    // A page of one list is none of another.
    onSearch({ view: view === 'items' ? undefined : view, page: undefined, cursor: undefined })
  }
  return <Tabs activeKey={search.view ?? 'items'} items={items} onChange={show} destroyOnHidden />
}
