import { queryOptions, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Alert, Flex, Segmented, Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { api, dataOf, get, type Schemas } from '../../../api/client'
import { EmptyState } from '../../../ui/EmptyState'
import { time } from '../../../ui/format'
import { Loaded } from '../../../ui/Loaded'
import { SINCE, type Since, type ViewProps } from '../search'
import { timeOf } from './since'
import { ThingTable } from './ThingTable'

const TASKS = '/platform/api/crawlhub/tasks'

/** What is new, changed and gone from run to run of a spider. */
export function ChangesView({ search, onSearch }: ViewProps) {
  const { t } = useTranslation('data')
  const { spider_id, since = 'run', task_id } = search
  const spider = useQuery({
    ...get('/platform/api/crawlhub/spiders/{id}', { params: { path: { id: spider_id ?? '' } } }),
    enabled: spider_id !== undefined,
  })
  const run = useQuery(runOf(spider_id, task_id))
  // The time stands still while one looks.
  const [now] = useState(() => Date.now())
  if (spider_id === undefined) return <EmptyState title={t('changes.pick')} hint={t('changes.pickHint')} />
  return (
    <Loaded query={spider}>
      {({ dedup_enabled, dedup_policy }) =>
        dedup_enabled ? (
          <Flex vertical gap="small">
            {dedup_policy !== 'version' && <PolicyHint spiderId={spider_id} policy={dedup_policy} />}
            <div>
              <Segmented<Since>
                aria-label={t('changes.since.label')}
                value={since}
                options={SINCE.map((value) => ({ value, label: t(`changes.since.${value}`) }))}
                onChange={(value) => onSearch({ since: value === 'run' ? undefined : value })}
              />
            </div>
            <Loaded query={run}>
              {(task) => {
                const from = timeOf(since, task?.started_at, now)
                return (
                  <>
                    <Typography.Text type="secondary">
                      {from ? t('changes.from', { time: time(from) }) : t('changes.fromStart')}
                    </Typography.Text>
                    <ThingTable key={from} spiderId={spider_id} from={from} />
                  </>
                )
              }}
            </Loaded>
          </Flex>
        ) : (
          <EmptyState
            title={t('changes.off')}
            hint={<div style={{ maxWidth: 640, margin: '0 auto' }}>{t('changes.offHint')}</div>}
            action={<SettingsLink spiderId={spider_id} />}
          />
        )
      }
    </Loaded>
  )
}

/** The run that changes are told from: the one that is chosen, else the last that ended well; null where there is none. */
function runOf(spiderId: string | undefined, taskId: string | undefined) {
  return queryOptions({
    queryKey: [TASKS, 'changes', spiderId, taskId] as const,
    queryFn: async ({ signal }) => {
      if (taskId !== undefined) {
        return dataOf(api.GET(`${TASKS}/{id}`, { params: { path: { id: taskId } }, signal }))
      }
      const query = { spider_id: spiderId, status: 'completed' as const, is_test: false, page_size: 1 }
      return (await dataOf(api.GET(TASKS, { params: { query }, signal }))).items[0] ?? null
    },
    enabled: spiderId !== undefined,
  })
}

function PolicyHint({ spiderId, policy }: { spiderId: string; policy: Schemas['DedupPolicy'] }) {
  const { t } = useTranslation('data')
  return (
    <Alert
      type="info"
      showIcon
      title={t(policy === 'keep_first' ? 'changes.keepFirst' : 'changes.keepLast')}
      description={t('changes.versionHint')}
      action={<SettingsLink spiderId={spiderId} />}
    />
  )
}

function SettingsLink({ spiderId }: { spiderId: string }) {
  const { t } = useTranslation('data')
  return (
    <Link to="/spiders/$spiderId/settings" params={{ spiderId }}>
      {t('changes.settings')}
    </Link>
  )
}
