import { Flex, Select } from 'antd'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../../api/client'
import { SpiderSelect } from '../../../ui/SpiderSelect'
import { TRIGGERS } from '../TriggerTag'
import { RefreshButton } from './RefreshButton'
import type { TaskSearch } from './search'

type Status = Schemas['TaskStatus']
type Trigger = Schemas['Trigger']

const STATUSES: Status[] = ['pending', 'running', 'completed', 'failed', 'cancelled']

interface Props {
  search: TaskSearch
  /** Of one spider it is not asked for. */
  hasSpider: boolean
  onSearch: (search: TaskSearch) => void
  onRefresh: () => Promise<unknown>
}

export function TaskFilters({ search, hasSpider, onSearch, onRefresh }: Props) {
  const { t } = useTranslation('tasks')
  const { t: c } = useTranslation()
  const filter = (change: TaskSearch) => onSearch({ ...search, page: undefined, ...change })
  const tests = search.is_test === undefined ? 'with' : search.is_test ? 'only' : 'without'
  return (
    <Flex gap="small" wrap style={{ marginBottom: 12 }}>
      {hasSpider && (
        <SpiderSelect
          aria-label={c('word.spider')}
          placeholder={t('filter.anySpider')}
          style={{ width: 220 }}
          value={search.spider_id}
          onChange={(spider_id) => filter({ spider_id: spider_id || undefined })}
        />
      )}
      <Select<Status | 'all'>
        aria-label={c('word.status')}
        style={{ width: 130 }}
        value={search.status ?? 'all'}
        options={[
          { value: 'all', label: t('filter.anyStatus') },
          ...STATUSES.map((value) => ({ value, label: t(`status.${value}`) })),
        ]}
        onChange={(status) => filter({ status: status === 'all' ? undefined : status })}
      />
      <Select<Trigger | 'all'>
        aria-label={t('filter.trigger')}
        style={{ width: 150 }}
        value={search.trigger_type ?? 'all'}
        options={[
          { value: 'all', label: t('filter.anyTrigger') },
          ...TRIGGERS.map((value) => ({ value, label: t(`trigger.${value}`) })),
        ]}
        onChange={(trigger) => filter({ trigger_type: trigger === 'all' ? undefined : trigger })}
      />
      <Select
        aria-label={t('filter.tests')}
        style={{ width: 160 }}
        value={tests}
        options={[
          { value: 'with' as const, label: t('filter.withTests') },
          { value: 'without' as const, label: t('filter.withoutTests') },
          { value: 'only' as const, label: t('filter.onlyTests') },
        ]}
        onChange={(value) => filter({ is_test: value === 'with' ? undefined : value === 'only' })}
      />
      <RefreshButton onRefresh={onRefresh} />
    </Flex>
  )
}
