import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { theme } from 'antd'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'

import { get, type Schemas } from '../../../api/client'
import { Chart } from '../../../ui/Chart'
import { EmptyState } from '../../../ui/EmptyState'
import { Loaded } from '../../../ui/Loaded'
import { Section } from '../../settings/Section'
import { RunMarks } from './RunMarks'
import { runsOption } from './runsOption'

type Task = Schemas['Task']

const MOST = 20
const REFRESH_MS = 5000

const isActive = ({ status }: Task) => status === 'pending' || status === 'running'

/** What the last runs brought, and how long they took. */
export function LatestRuns({ spiderId }: { spiderId: string }) {
  const { t } = useTranslation('spiders')
  const { t: c } = useTranslation()
  const query = useQuery({
    ...get('/platform/api/crawlhub/tasks', {
      params: { query: { spider_id: spiderId, is_test: false, page_size: MOST } },
    }),
    refetchInterval: ({ state }) => (state.data?.items.some(isActive) ? REFRESH_MS : false),
  })
  const all = (
    <Link to="/spiders/$spiderId/tasks" params={{ spiderId }}>
      {c('action.showAll')}
    </Link>
  )
  return (
    <Section title={t('recent')} extra={all}>
      <Loaded query={query}>
        {({ items }) =>
          items.length === 0 ? <EmptyState title={t('noRuns')} hint={t('noRunsHint')} /> : <Runs tasks={items} />
        }
      </Loaded>
    </Section>
  )
}

function Runs({ tasks }: { tasks: Task[] }) {
  const { t } = useTranslation('spiders')
  const { token } = theme.useToken()
  const colors: Record<Task['status'], string> = useMemo(
    () => ({
      completed: token.colorSuccess,
      failed: token.colorError,
      cancelled: token.colorWarning,
      running: token.colorInfo,
      pending: token.colorTextSecondary,
    }),
    [token],
  )
  const oldestFirst = useMemo(() => tasks.toReversed(), [tasks])
  const option = useMemo(
    () => runsOption(oldestFirst, { items: t('items'), seconds: t('seconds') }, colors, token.colorTextSecondary),
    [oldestFirst, colors, token, t],
  )
  return (
    <>
      <RunMarks tasks={oldestFirst} colors={colors} />
      <Chart option={option} height={200} label={t('recentLabel', { count: tasks.length })} />
    </>
  )
}
