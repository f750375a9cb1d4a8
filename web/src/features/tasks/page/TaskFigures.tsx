import { Link } from '@tanstack/react-router'
import { Descriptions, Flex, Progress, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { count, duration, time } from '../../../ui/format'
import { TimeText } from '../../../ui/TimeText'
import type { Task } from '../addresses'
import { durationOf } from '../duration'
import { TriggerTag } from '../TriggerTag'
import { useNow } from './useNow'

/** What is known of a task. */
export function TaskFigures({ task }: { task: Task }) {
  const { t } = useTranslation('tasks')
  const now = useNow(task.status === 'running')
  const ms = durationOf(task, now)
  const items = [
    {
      label: t('page.progress'),
      children: (
        <Flex vertical style={{ width: '100%', maxWidth: 240 }}>
          <Progress percent={task.progress} size="small" aria-label={t('page.progress')} style={{ margin: 0 }} />
          {task.progress_message && <bdi style={{ overflowWrap: 'anywhere' }}>{task.progress_message}</bdi>}
        </Flex>
      ),
    },
    { label: t('page.items'), children: <Items task={task} /> },
    task.items_per_second != null && {
      label: t('page.rate'),
      children: t('page.perSecond', { rate: task.items_per_second.toLocaleString() }),
    },
    ms !== null && { label: t('page.duration'), children: duration(ms) },
    task.started_at && { label: t('page.started'), children: <TimeText at={task.started_at} /> },
    task.finished_at && { label: t('page.finished'), children: <TimeText at={task.finished_at} /> },
    task.peak_memory_mb != null && {
      label: t('page.memory'),
      children: `${count(Math.round(task.peak_memory_mb))} MiB`,
    },
    { label: t('page.trigger'), children: <Trigger task={task} /> },
    {
      label: t('page.version'),
      children: task.deployment_version ? (
        <Link to="/spiders/$spiderId/versions" params={{ spiderId: task.spider_id }}>
          v{task.deployment_version}
        </Link>
      ) : (
        t('files')
      ),
    },
    task.git_commit && { label: t('page.commit'), children: <code>{task.git_commit.slice(0, 12)}</code> },
    task.attempt > 0 && {
      label: t('page.attempt'),
      children: t('page.attemptOf', { attempt: task.attempt, most: task.max_retries }),
    },
    task.exit_code != null && { label: t('page.exitCode'), children: task.exit_code },
    Object.keys(task.params).length > 0 && {
      label: t('page.params'),
      span: 'filled' as const,
      children: <code>{JSON.stringify(task.params)}</code>,
    },
  ]
  return (
    <Descriptions
      size="small"
      column={{ xs: 1, sm: 2, lg: 3, xl: 4 }}
      items={items.filter((item) => !!item)}
      styles={{ label: { minWidth: 72 }, content: { overflowWrap: 'anywhere', minWidth: 0 } }}
    />
  )
}

function Items({ task }: { task: Task }) {
  const { t } = useTranslation('tasks')
  return (
    <Flex vertical>
      <span>{t('stored', { count: count(task.success_count) })}</span>
      {task.failed_count > 0 && (
        <>
          <Typography.Text type="danger">{t('rejected', { count: count(task.failed_count) })}</Typography.Text>
          <span>{t('page.received', { count: count(task.total_count) })}</span>
        </>
      )}
      {task.items_removed_at && (
        <Typography.Text type="secondary">
          {t('page.itemsRemoved', { at: time(task.items_removed_at) })}
        </Typography.Text>
      )}
    </Flex>
  )
}

function Trigger({ task: { trigger_type, schedule_id, spider_id } }: { task: Task }) {
  if (!schedule_id) return <TriggerTag trigger={trigger_type} />
  return (
    <Link to="/spiders/$spiderId/schedule" params={{ spiderId: spider_id }} search={{ schedule: schedule_id }}>
      <TriggerTag trigger={trigger_type} />
    </Link>
  )
}
