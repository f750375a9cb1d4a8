import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { Flex, Select } from 'antd'
import { useTranslation } from 'react-i18next'

import { get } from '../../../api/client'
import { EmptyState } from '../../../ui/EmptyState'
import { ListTable } from '../../../ui/ListTable'
import { DELIVERIES } from '../addresses'
import { useDeliveryColumns } from './columns'
import { STATUSES, type Status } from './DeliveryStatus'

const route = getRouteApi('/inside/alerts')
const REFRESH_MS = 10_000

/** What channels and webhooks of spiders were sent. */
export function DeliveryList() {
  const { t } = useTranslation('alerts')
  const { t: c } = useTranslation()
  const { page, page_size, status } = route.useSearch()
  const navigate = route.useNavigate()
  const columns = useDeliveryColumns()
  const query = useQuery({
    ...get(DELIVERIES, { params: { query: { page, page_size, status } } }),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state: { data } }) =>
      data?.items.some((delivery) => delivery.status === 'pending') ? REFRESH_MS : false,
  })
  const filter = (value: Status | 'all') =>
    void navigate({ search: { view: 'deliveries', page_size, status: value === 'all' ? undefined : value } })
  return (
    <>
      <Flex style={{ marginBottom: 12 }}>
        <Select<Status | 'all'>
          aria-label={c('word.status')}
          style={{ width: 160 }}
          value={status ?? 'all'}
          options={[
            { value: 'all', label: t('deliveries.anyStatus') },
            ...STATUSES.map((value) => ({ value, label: t(`deliveries.status.${value}`) })),
          ]}
          onChange={filter}
        />
      </Flex>
      <ListTable
        query={query}
        columns={columns}
        onPage={(page, page_size) => void navigate({ search: (before) => ({ ...before, page, page_size }) })}
        empty={
          status ? (
            <EmptyState title={t('deliveries.emptyFiltered')} />
          ) : (
            <EmptyState title={t('deliveries.empty')} hint={t('deliveries.emptyHint')} />
          )
        }
      />
    </>
  )
}
