import { useQueries } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Card, Flex, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { get, type Schemas } from '../../api/client'
import { EmptyState } from '../../ui/EmptyState'
import { ErrorAlert } from '../../ui/ErrorAlert'
import { StatusTag } from '../../ui/StatusTag'
import { TimeText } from '../../ui/TimeText'
import styles from './rows.module.css'

interface Props {
  title: string
  /** Those of the first come first. */
  statuses: Schemas['TaskStatus'][]
  /** What stands there where there is none: a title, and a hint. */
  empty: [string, string?]
}

const MOST = 6
const REFRESH_MS = 10_000

/** The newest tasks of some statuses. */
export function RecentTasks({ title, statuses, empty: [emptyTitle, hint] }: Props) {
  const { t } = useTranslation()
  const lists = useQueries({
    queries: statuses.map((status) => ({
      ...get('/platform/api/crawlhub/tasks', { params: { query: { status, page_size: MOST, is_test: false } } }),
      refetchInterval: REFRESH_MS,
    })),
  })
  const failed = lists.find((list) => list.isError)
  const tasks = lists.flatMap((list) => list.data?.items ?? []).slice(0, MOST)
  return (
    <Card
      title={title}
      loading={lists.some((list) => list.isPending)}
      style={{ height: '100%' }}
      extra={
        <Link to="/tasks" search={{ status: statuses[0] }}>
          {t('action.showAll')}
        </Link>
      }
    >
      {failed && <ErrorAlert error={failed.error} />}
      {!failed && tasks.length === 0 && <EmptyState title={emptyTitle} hint={hint} />}
      <ul className={styles.rows}>
        {tasks.map((task) => (
          <li key={task.id}>
            <Flex justify="space-between" gap="small">
              <Link to="/tasks/$taskId" params={{ taskId: task.id }} className={styles.name}>
                <bdi>{task.spider_name}</bdi>
              </Link>
              <StatusTag status={task.status} />
            </Flex>
            <Flex justify="space-between" gap="small">
              <Typography.Text type="secondary" ellipsis={{ tooltip: true }}>
                {task.error_message ?? task.pending_reason ?? task.progress_message}
              </Typography.Text>
              <Typography.Text type="secondary" style={{ flex: 'none' }}>
                <TimeText at={task.finished_at ?? task.started_at ?? task.created_at} isRelative />
              </Typography.Text>
            </Flex>
          </li>
        ))}
      </ul>
    </Card>
  )
}
