import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { get } from '../../../api/client'
import { EmptyState } from '../../../ui/EmptyState'
import { count } from '../../../ui/format'
import { Loaded } from '../../../ui/Loaded'
import { TimeText } from '../../../ui/TimeText'
import { Section } from '../../settings/Section'
import { SPIDER } from '../addresses'
import styles from './rows.module.css'

const MOST = 5

/** What went wrong lately, by kind. */
export function TopErrors({ spiderId }: { spiderId: string }) {
  const { t } = useTranslation('spiders')
  const { t: c } = useTranslation()
  const query = useQuery(get(`${SPIDER}/errors`, { params: { path: { id: spiderId }, query: { page_size: MOST } } }))
  const all = (
    <Link to="/spiders/$spiderId/errors" params={{ spiderId }}>
      {c('action.showAll')}
    </Link>
  )
  return (
    <Section title={t('topErrors')} extra={all}>
      <Loaded query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState title={t('noErrors')} hint={t('noErrorsHint')} />
          ) : (
            <ul className={styles.rows}>
              {items.map(({ fingerprint, title, count: times, last_seen, last_task, last_seq }) => (
                <li key={fingerprint}>
                  <Link to="/tasks/$taskId" params={{ taskId: last_task }} search={{ tab: 'log', line: last_seq }}>
                    <Typography.Text ellipsis={{ tooltip: true }} style={{ display: 'block', color: 'inherit' }}>
                      <bdi>{title}</bdi>
                    </Typography.Text>
                  </Link>
                  <Typography.Text type="secondary">
                    {t('times', { count: count(times) })} · <TimeText at={last_seen} isRelative />
                  </Typography.Text>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </Section>
  )
}
