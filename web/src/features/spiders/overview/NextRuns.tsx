import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Card } from 'antd'
import { useTranslation } from 'react-i18next'

import { get, type Schemas } from '../../../api/client'
import { EmptyState } from '../../../ui/EmptyState'
import { Loaded } from '../../../ui/Loaded'
import { TimeText } from '../../../ui/TimeText'

/** When its schedules start it next. */
export function NextRuns({ spider }: { spider: Schemas['Spider'] }) {
  const { t } = useTranslation('spiders')
  const query = useQuery(
    get('/platform/api/crawlhub/schedules', { params: { query: { spider_id: spider.id, page_size: 100 } } }),
  )
  return (
    <Card title={t('nextFires')} style={{ height: '100%' }}>
      <Loaded query={query}>
        {({ items }) => {
          const due = items.filter(({ is_active, next_run_at }) => spider.is_active && is_active && next_run_at)
          if (due.length === 0) {
            return (
              <EmptyState
                title={t(items.length > 0 ? 'paused' : 'noSchedule')}
                action={
                  <Link to="/spiders/$spiderId/schedule" params={{ spiderId: spider.id }}>
                    {t('setSchedule')}
                  </Link>
                }
              />
            )
          }
          due.sort((a, b) => a.next_run_at!.localeCompare(b.next_run_at!))
          return (
            <ul style={{ margin: 0, paddingInlineStart: 18 }}>
              {due.map(({ id, next_run_at }) => (
                <li key={id}>
                  <TimeText at={next_run_at} /> (<TimeText at={next_run_at} isRelative />)
                </li>
              ))}
            </ul>
          )
        }}
      </Loaded>
    </Card>
  )
}
