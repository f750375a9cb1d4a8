import { Flex, Progress, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { count } from '../../../ui/format'
import { localTimes } from '../../../ui/localTimes'
import { StatusTag } from '../../../ui/StatusTag'
import type { Task } from '../addresses'

/** Its status, and why it is so. */
export function StatusCell({ task }: { task: Task }) {
  const { t } = useTranslation('tasks')
  const said = task.pending_reason ?? (task.status === 'failed' ? task.error_message : null)
  return (
    <Flex vertical gap={2} align="start" style={{ maxWidth: 320, minWidth: 120 }}>
      <StatusTag status={task.status} />
      {task.status === 'running' && task.progress > 0 && (
        <Progress
          percent={task.progress}
          size="small"
          aria-label={t('page.progress')}
          style={{ width: 120, margin: 0 }}
        />
      )}
      {said && (
        <Typography.Text type="secondary" ellipsis={{ tooltip: true }} style={{ maxWidth: '100%', fontSize: 12 }}>
          {localTimes(said)}
        </Typography.Text>
      )}
    </Flex>
  )
}

export function ItemsCell({ task: { success_count, failed_count } }: { task: Task }) {
  const { t } = useTranslation('tasks')
  return (
    <Flex vertical align="end">
      <span title={t('stored', { count: count(success_count) })}>{count(success_count)}</span>
      {failed_count > 0 && (
        <Typography.Text type="danger" style={{ fontSize: 12, whiteSpace: 'nowrap' }}>
          {t('rejected', { count: count(failed_count) })}
        </Typography.Text>
      )}
    </Flex>
  )
}
