import { getRouteApi, Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'

import { EmptyState } from '../../ui/EmptyState'
import { TaskTable } from './table/TaskTable'

const route = getRouteApi('/inside/spiders/$spiderId/tasks')

/** The tasks of one spider. */
export function SpiderTasksTab() {
  const { t } = useTranslation('tasks')
  const { spiderId } = route.useParams()
  const navigate = route.useNavigate()
  return (
    <TaskTable
      spiderId={spiderId}
      search={{ ...route.useSearch(), spider_id: undefined }}
      onSearch={(search) => void navigate({ search })}
      empty={
        <EmptyState
          title={t('empty')}
          hint={t('emptyHintSpider')}
          action={
            <Link to="/spiders/$spiderId/schedule" params={{ spiderId }}>
              {t('showSchedule')}
            </Link>
          }
        />
      }
    />
  )
}
