import { useTranslation } from 'react-i18next'

import { EmptyState } from '../../../ui/EmptyState'
import { ItemsTable } from '../../data/ItemsTable'
import type { Task } from '../addresses'

/** What a task stored. */
export function ItemsTab({ task }: { task: Task }) {
  const { t } = useTranslation('tasks')
  if (task.success_count === 0) return <EmptyState title={t('items.none')} hint={t('items.noneHint')} />
  return <ItemsTable taskId={task.id} />
}
