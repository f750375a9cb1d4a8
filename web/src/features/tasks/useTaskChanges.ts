import { useTranslation } from 'react-i18next'

import { api, dataOf } from '../../api/client'
import { useChange } from '../../api/useChange'
import { DATA, TASK, TASKS, type Task } from './addresses'

interface Then {
  /** With the new task. */
  onRetried?: (task: Task) => void
  onDeleted?: () => void
}

const refreshes = [TASKS, DATA]

/** What can be done with a task. */
export function useTaskChanges({ id }: Task, { onRetried, onDeleted }: Then = {}) {
  const { t } = useTranslation('tasks')
  const { t: c } = useTranslation()
  const params = { path: { id } }
  const cancel = useChange(() => api.POST(`${TASK}/cancel`, { params }), { refreshes, done: t('cancelAsked') })
  const retry = useChange(() => dataOf(api.POST(`${TASK}/retry`, { params })), {
    refreshes,
    done: t('retried'),
    onSuccess: onRetried,
  })
  const remove = useChange(() => api.DELETE(TASK, { params }), {
    refreshes,
    done: c('said.deleted'),
    onSuccess: onDeleted,
  })
  return { cancel, retry, remove }
}
