import { Alert } from 'antd'
import { useTranslation } from 'react-i18next'

import { duration } from '../../../ui/format'
import { localTimes } from '../../../ui/localTimes'
import { isActive, type Task } from '../addresses'
import { useNow } from './useNow'

/** Why it waits, or how it failed. */
export function TaskAlerts({ task }: { task: Task }) {
  const { t } = useTranslation('tasks')
  if (isActive(task) && task.cancel_requested_at) return <Alert type="warning" showIcon title={t('page.stopping')} />
  if (task.status === 'pending' || (isActive(task) && task.pending_reason)) {
    return (
      <Alert
        type="info"
        showIcon
        title={task.pending_reason ? localTimes(task.pending_reason) : t('page.pending')}
        description={<Until at={task.next_attempt_at} />}
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

/** How long until it may start. */
function Until({ at }: { at: string | null | undefined }) {
  const { t } = useTranslation('tasks')
  const now = useNow(!!at)
  const left = at ? Date.parse(at) - now : 0
  return left > 0 ? t('page.nextAttempt', { left: duration(left) }) : null
}
