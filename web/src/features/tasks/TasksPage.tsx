import { getRouteApi, Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'

import { EmptyState } from '../../ui/EmptyState'
import { PageHeader } from '../../ui/PageHeader'
import { TaskTable } from './table/TaskTable'

const route = getRouteApi('/inside/tasks')

export function TasksPage() {
  const { t } = useTranslation('tasks')
  const navigate = route.useNavigate()
  return (
    <>
      <PageHeader title={t('title')} lead={t('lead')} />
      <TaskTable
        search={route.useSearch()}
        onSearch={(search) => void navigate({ search })}
        empty={
          <EmptyState title={t('empty')} hint={t('emptyHint')} action={<Link to="/spiders">{t('showSpiders')}</Link>} />
        }
      />
    </>
  )
}
