import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Flex, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { get, type Schemas } from '../../../api/client'
import { EmptyState } from '../../../ui/EmptyState'
import { Loaded } from '../../../ui/Loaded'
import { TimeText } from '../../../ui/TimeText'
import { Section } from '../../settings/Section'
import { SCHEDULES, SPIDER } from '../addresses'
import { nextRuns } from './nextRuns'
import styles from './rows.module.css'

/** When its schedules start it next. */
export function NextRuns({ spider: { id, is_active, next_run_at } }: { spider: Schemas['Spider'] }) {
  const { t } = useTranslation('spiders')
  const { t: c } = useTranslation()
  const schedules = useQuery(get(SCHEDULES, { params: { query: { spider_id: id, page_size: 100 } } }))
  const own = useQuery({
    ...get(`${SPIDER}/schedule`, { params: { path: { id } } }),
    enabled: is_active && !!next_run_at,
  }).data
  const all = (
    <Link to="/spiders/$spiderId/schedule" params={{ spiderId: id }}>
      {c('action.showAll')}
    </Link>
  )
  return (
    <Section title={t('nextFires')} extra={all}>
      <Loaded query={schedules}>
        {({ items }) => {
          const runs = is_active ? nextRuns(items, own ?? []) : []
          if (runs.length === 0) {
            const isResting = items.length > 0
            return (
              <EmptyState
                title={t(isResting ? 'resting' : 'noSchedule')}
                hint={isResting ? t(is_active ? 'restingHint' : 'pausedHint') : t('noScheduleHint')}
                action={
                  <Link to="/spiders/$spiderId/schedule" params={{ spiderId: id }}>
                    {t('setSchedule')}
                  </Link>
                }
              />
            )
          }
          return (
            <ul className={styles.rows}>
              {runs.map(({ at, name, timezone }) => (
                <li key={`${name} ${at}`}>
                  <Flex justify="space-between" gap="small" wrap>
                    <span>
                      <TimeText at={at} timeZone={timezone} />{' '}
                      <Typography.Text type="secondary">{timezone}</Typography.Text>
                    </span>
                    <Typography.Text type="secondary">
                      {name && <bdi>{name} · </bdi>}
                      <TimeText at={at} isRelative />
                    </Typography.Text>
                  </Flex>
                </li>
              ))}
            </ul>
          )
        }}
      </Loaded>
    </Section>
  )
}
