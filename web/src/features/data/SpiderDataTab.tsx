import { getRouteApi } from '@tanstack/react-router'
import { Flex } from 'antd'

import { DeliveryButton } from '../datasources/links/DeliveryButton'
import { DataViews } from './DataViews'
import { narrowed, type Change } from './search'
import { TaskSelect } from './TaskSelect'

const route = getRouteApi('/inside/spiders/$spiderId/data')

/** What one spider has saved. */
export function SpiderDataTab() {
  const { spiderId } = route.useParams()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const look = (change: Change) => void navigate({ search: (before) => ({ ...before, ...change }) })
  return (
    <>
      <Flex gap="small" justify="space-between" wrap>
        <TaskSelect spiderId={spiderId} value={search.task_id} onChange={(id) => look(narrowed({ task_id: id }))} />
        <DeliveryButton spiderId={spiderId} />
      </Flex>
      <DataViews search={{ ...search, spider_id: spiderId }} onSearch={look} />
    </>
  )
}
