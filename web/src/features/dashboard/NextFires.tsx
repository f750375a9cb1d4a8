import { Link } from '@tanstack/react-router'
import { Card, Flex, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { EmptyState } from '../../ui/EmptyState'
import { TimeText } from '../../ui/TimeText'
import type { Stats } from './Figures'
import styles from './rows.module.css'

/** What the schedules will start next. */
export function NextFires({ fires }: { fires: Stats['next_fires'] }) {
  const { t } = useTranslation(['dashboard', 'common'])
  return (
    <Card
      title={t('nextFires')}
      style={{ height: '100%' }}
      extra={<Link to="/schedules">{t('common:action.showAll')}</Link>}
    >
      {fires.length === 0 && <EmptyState title={t('noFires')} hint={t('noFiresHint')} />}
      <ul className={styles.rows}>
        {fires.map((fire) => (
          <li key={`${fire.schedule_id} ${fire.at}`}>
            <Flex justify="space-between" gap="small">
              <Link to="/spiders/$spiderId/schedule" params={{ spiderId: fire.spider_id }} className={styles.name}>
                <bdi>{fire.spider_name}</bdi>
              </Link>
              <Typography.Text type="secondary" style={{ flex: 'none' }}>
                <TimeText at={fire.at} isRelative />
              </Typography.Text>
            </Flex>
          </li>
        ))}
      </ul>
    </Card>
  )
}
