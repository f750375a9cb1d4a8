import { useQuery } from '@tanstack/react-query'
import { Link, type LinkProps } from '@tanstack/react-router'
import { Card, Statistic } from 'antd'
import { useTranslation } from 'react-i18next'

import { get } from '../../../api/client'
import { count } from '../../../ui/format'
import { SPIDERS } from '../addresses'
import styles from './Counts.module.css'

interface Figure {
  name: 'runs' | 'items' | 'quarantine' | 'errors'
  to: LinkProps['to']
  search?: LinkProps['search']
  query: { data?: { total?: number | null }; isPending: boolean }
}

/** How much there is of each, and the way to it. */
export function Counts({ spiderId }: { spiderId: string }) {
  const { t } = useTranslation('spiders')
  // Only how many there are is of interest.
  const query = { spider_id: spiderId, page_size: 1 }
  const real = { ...query, is_test: false }
  const figures: Figure[] = [
    {
      name: 'runs',
      to: '/spiders/$spiderId/tasks',
      search: { is_test: false },
      query: useQuery(get('/platform/api/crawlhub/tasks', { params: { query: real } })),
    },
    {
      name: 'items',
      to: '/spiders/$spiderId/data',
      search: { is_test: false },
      query: useQuery(get('/platform/api/crawlhub/data', { params: { query: real } })),
    },
    {
      name: 'quarantine',
      to: '/spiders/$spiderId/data',
      search: { view: 'quarantine' },
      query: useQuery(get('/platform/api/crawlhub/data/quarantine', { params: { query } })),
    },
    {
      name: 'errors',
      to: '/spiders/$spiderId/errors',
      query: useQuery(get(`${SPIDERS}/{id}/errors`, { params: { path: { id: spiderId }, query: { page_size: 1 } } })),
    },
  ]
  return (
    <ul className={styles.figures}>
      {figures.map(({ name, to, search, query }) => (
        <li key={name}>
          <Link to={to} params={{ spiderId }} search={search}>
            <Card size="small" hoverable>
              <Statistic
                title={t(`counts.${name}`)}
                value={query.data?.total ?? undefined}
                loading={query.isPending}
                formatter={(value) => (typeof value === 'number' ? count(value) : '—')}
              />
            </Card>
          </Link>
        </li>
      ))}
    </ul>
  )
}
