import { useQuery } from '@tanstack/react-query'
import { Card, Flex, Table, Tag, Tooltip, Typography, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import { get, type Schemas } from '../../../api/client'
import { EmptyState } from '../../../ui/EmptyState'
import { count, duration } from '../../../ui/format'
import { Loaded } from '../../../ui/Loaded'
import { StatusTag } from '../../../ui/StatusTag'
import { TimeText } from '../../../ui/TimeText'
import { TASK, type Task } from '../addresses'

type Attempt = Schemas['Attempt']

/** Each time that a task was started. */
export function AttemptsTab({ task }: { task: Task }) {
  const { t } = useTranslation('tasks')
  const query = useQuery(get(`${TASK}/attempts`, { params: { path: { id: task.id } } }))
  const columns: TableColumnsType<Attempt> = [
    { title: t('attempts.number'), dataIndex: 'attempt' },
    { title: t('attempts.outcome'), render: (_, attempt) => <Outcome attempt={attempt} /> },
    { title: t('page.exitCode'), render: (_, { exit_code }) => exit_code ?? '—' },
    { title: t('attempts.error'), render: (_, attempt) => <Fault attempt={attempt} /> },
    { title: t('page.started'), render: (_, { started_at }) => <TimeText at={started_at} /> },
    {
      title: t('page.duration'),
      align: 'right',
      render: (_, { started_at: from, finished_at: to }) => (to ? duration(Date.parse(to) - Date.parse(from)) : '—'),
    },
    { title: t('attempts.items'), align: 'right', render: (_, { items }) => count(items) },
    {
      title: t('page.memory'),
      align: 'right',
      render: (_, { peak_memory_mb: mb }) => (mb == null ? '—' : `${count(Math.round(mb))} MiB`),
    },
  ]
  return (
    <Flex vertical gap="middle">
      <Loaded query={query}>
        {(attempts) => (
          // What scrolls must be reachable by keys.
          <div role="region" aria-label={t('tab.attempts')} tabIndex={0} style={{ overflowX: 'auto' }}>
            <Table
              rowKey="attempt"
              size="middle"
              columns={columns}
              dataSource={attempts}
              pagination={false}
              style={{ minWidth: attempts.length > 0 ? 860 : undefined }}
              locale={{ emptyText: <EmptyState title={t('attempts.none')} hint={t('attempts.noneHint')} /> }}
            />
          </div>
        )}
      </Loaded>
      {task.checkpoint_data && <Checkpoint text={task.checkpoint_data} />}
    </Flex>
  )
}

function Outcome({ attempt }: { attempt: Attempt }) {
  const { t } = useTranslation('tasks')
  return (
    <>
      <StatusTag status={attempt.status ?? 'running'} />
      {attempt.is_interrupted && (
        <Tooltip title={t('attempts.interruptedHint')}>
          <Tag color="warning">{t('attempts.interrupted')}</Tag>
        </Tooltip>
      )}
    </>
  )
}

function Fault({ attempt: { error_category: category, error_message: message } }: { attempt: Attempt }) {
  const { t } = useTranslation('tasks')
  if (!category && !message) return '—'
  return (
    <div style={{ minWidth: 200, maxWidth: 420, overflowWrap: 'anywhere' }}>
      {category && <Tag>{t(`category.${category}`)}</Tag>}
      {message}
    </div>
  )
}

function Checkpoint({ text }: { text: string }) {
  const { t } = useTranslation('tasks')
  return (
    <Card size="small" title={t('attempts.checkpoint')}>
      <Typography.Paragraph type="secondary">{t('attempts.checkpointHint')}</Typography.Paragraph>
      <pre tabIndex={0} style={{ margin: 0, maxHeight: 320, overflow: 'auto' }}>
        {indented(text)}
      </pre>
    </Card>
  )
}

function indented(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2)
  } catch {
    return json
  }
}
