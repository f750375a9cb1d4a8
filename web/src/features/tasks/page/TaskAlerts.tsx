import { Alert } from 'antd'
import { useTranslation } from 'react-i18next'

import { time } from '../../../ui/format'
import { isActive, type Task } from '../addresses'

/** Why it waits, or how it failed. */
export function TaskAlerts({ task }: { task: Task }) {
  const { t } = useTranslation('tasks')
  if (isActive(task) && task.cancel_requested_at) return <Alert type="warning" showIcon title={t('page.stopping')} />
  if (task.status === 'pending') {
    const { pending_reason: reason, next_attempt_at: next } = task
    return (
      <Alert
        type="info"
        showIcon
        title={reason ?? t('page.pending')}
        description={next && `${t('page.nextAttempt')} ${time(next)}`}
      />
    )
  }
  if (task.status === 'failed') {
    return (
      <Alert
        type="error"
        showIcon
        title={
          task.error_category
            ? t('page.failedBy', { category: t(`category.${task.error_category}`) })
            : t('page.failed')
        }
        description={<span style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>{task.error_message}</span>}
      />
    )
  }
  return null
}
