import { getRouteApi } from '@tanstack/react-router'
import { Flex } from 'antd'
import { useTranslation } from 'react-i18next'

import { PageHeader } from '../../ui/PageHeader'
import { SpiderSelect } from '../../ui/SpiderSelect'
import { DeliveryButton } from '../datasources/links/DeliveryButton'
import { DataViews } from './DataViews'
import { narrowed, type Change } from './search'
import { TaskSelect } from './TaskSelect'

const route = getRouteApi('/inside/data')

/** What all spiders, one of them, or one of its tasks have saved. */
export function DataPage() {
  const { t } = useTranslation('data')
  const { t: c } = useTranslation()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const look = (change: Change) => void navigate({ search: (before) => ({ ...before, ...change }) })
  const { spider_id, task_id } = search
  return (
    <>
      <PageHeader
        title={c('nav.data')}
        lead={t('lead')}
        actions={spider_id !== undefined && <DeliveryButton spiderId={spider_id} />}
      />
      <Flex gap="small" wrap>
        <SpiderSelect
          value={spider_id}
          aria-label={c('word.spider')}
          placeholder={t('scope.allSpiders')}
          style={{ width: 240 }}
          // Fields of one spider are not those of another.
          onChange={(id?: string) =>
            look(narrowed({ spider_id: id, task_id: undefined, filter: undefined, sort: undefined }))
          }
        />
        <TaskSelect spiderId={spider_id} value={task_id} onChange={(id) => look(narrowed({ task_id: id }))} />
      </Flex>
      <DataViews search={search} onSearch={look} />
    </>
  )
}
