import { useQuery } from '@tanstack/react-query'
import { Link, useRouter } from '@tanstack/react-router'
import { Card, Flex, theme, Tooltip } from 'antd'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'

import { get, type Schemas } from '../../../api/client'
import { Chart } from '../../../ui/Chart'
import { EmptyState } from '../../../ui/EmptyState'
import { time } from '../../../ui/format'
import { Loaded } from '../../../ui/Loaded'
import { runsOption } from './runsOption'

const MOST = 20
const REFRESH_MS = 5000

const isActive = ({ status }: Schemas['Task']) => status === 'pending' || status === 'running'

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
  return (
    <Card
      title={t('recent')}
      extra={
        <Link to="/spiders/$spiderId/tasks" params={{ spiderId }}>
          {c('action.showAll')}
        </Link>
      }
    >
      <Loaded query={query}>
        {({ items }) =>
          items.length === 0 ? <EmptyState title={t('noRuns')} hint={t('noRunsHint')} /> : <Runs tasks={items} />
        }
      </Loaded>
    </Card>
  )
}

function Runs({ tasks }: { tasks: Schemas['Task'][] }) {
  const { t } = useTranslation(['spiders', 'tasks'])
  const { token } = theme.useToken()
  const router = useRouter()
  const colors: Record<Schemas['TaskStatus'], string> = useMemo(
    () => ({
      completed: token.colorSuccess,
      failed: token.colorError,
      cancelled: token.colorWarning,
      running: token.colorPrimary,
      pending: token.colorTextQuaternary,
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
      <Flex gap={4} wrap>
        {oldestFirst.map((task) => {
          const label = `${t(`tasks:status.${task.status}`)} · ${time(task.started_at ?? task.created_at)}`
          return (
            <Tooltip key={task.id} title={label}>
              <Link
                to="/tasks/$taskId"
                params={{ taskId: task.id }}
                aria-label={label}
                onMouseEnter={() => void router.preloadRoute({ to: '/tasks/$taskId', params: { taskId: task.id } })}
                style={{ width: 24, height: 24, borderRadius: 4, background: colors[task.status] }}
              />
            </Tooltip>
          )
        })}
      </Flex>
      <Chart option={option} height={200} label={t('recentLabel', { count: tasks.length })} />
    </>
  )
}
