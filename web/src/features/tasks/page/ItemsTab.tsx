import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'

import { EmptyState } from '../../../ui/EmptyState'
import { count } from '../../../ui/format'
import type { Task } from '../addresses'

/** What a task stored, on the page of all data. */
export function ItemsTab({ task }: { task: Task }) {
  const { t } = useTranslation('tasks')
  if (task.success_count === 0) return <EmptyState title={t('items.none')} hint={t('items.noneHint')} />
  return (
    <EmptyState
      title={t('stored', { count: count(task.success_count) })}
      action={
        <Link to="/data" search={{ task_id: task.id, is_test: task.is_test || undefined }}>
          {t('items.open')}
        </Link>
      }
    />
  )
}
