import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { Flex, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import { get } from '../../api/client'
import { EmptyState } from '../../ui/EmptyState'
import { ListTable } from '../../ui/ListTable'
import { PageHeader } from '../../ui/PageHeader'
import { TimeText } from '../../ui/TimeText'
import { SCHEDULES, type Schedule } from './addresses'
import { ActiveSwitch } from './list/ActiveSwitch'
import { CronText } from './list/CronText'
import { nameOf } from './list/nameOf'

const route = getRouteApi('/inside/schedules')

/** The schedules of all spiders. */
export function SchedulesPage() {
  const { t } = useTranslation('schedules')
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const query = useQuery({
    ...get(SCHEDULES, { params: { query: search } }),
    placeholderData: keepPreviousData,
  })
  const columns: TableColumnsType<Schedule> = [
    {
      title: t('column.schedule'),
      render: (_, schedule) => (
        <Flex vertical align="start" style={{ minWidth: 120, maxWidth: 280, overflowWrap: 'anywhere' }}>
          <Link
            to="/spiders/$spiderId/schedule"
            params={{ spiderId: schedule.spider_id }}
            search={{ schedule: schedule.id }}
          >
            <bdi>{schedule.spider_name}</bdi>
          </Link>
          <bdi>{nameOf(schedule, t)}</bdi>
        </Flex>
      ),
    },
    { title: t('column.when'), render: (_, { cron_expr }) => <CronText expr={cron_expr} /> },
    { title: t('column.timezone'), render: (_, { timezone }) => timezone },
    { title: t('column.next'), render: (_, { next_run_at: at }) => <TimeText at={at} /> },
    { title: t('column.last'), render: (_, { last_run_at: at }) => (at ? <TimeText at={at} /> : t('never')) },
    { title: t('active'), render: (_, schedule) => <ActiveSwitch schedule={schedule} /> },
  ]
  return (
    <>
      <PageHeader title={t('title')} lead={t('lead')} />
      <ListTable
        query={query}
        columns={columns}
        onPage={(page, page_size) => void navigate({ search: { page, page_size } })}
        empty={
          <EmptyState title={t('empty')} hint={t('emptyAll')} action={<Link to="/spiders">{t('showSpiders')}</Link>} />
        }
      />
    </>
  )
}
