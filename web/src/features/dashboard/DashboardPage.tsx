import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Alert, Card, Col, Flex, Row } from 'antd'
import { useTranslation } from 'react-i18next'

import { get } from '../../api/client'
import { EmptyState } from '../../ui/EmptyState'
import { Loaded } from '../../ui/Loaded'
import { PageHeader } from '../../ui/PageHeader'
import { Figures } from './Figures'
import { NextFires } from './NextFires'
import { RecentTasks } from './RecentTasks'
import { Trends } from './Trends'

const REFRESH_MS = 10_000

/** What runs, what failed, how it went lately, what comes next. */
export function DashboardPage() {
  const { t } = useTranslation('dashboard')
  const stats = useQuery({ ...get('/platform/api/crawlhub/dashboard/stats'), refetchInterval: REFRESH_MS })
  return (
    <>
      <PageHeader title={t('title')} />
      <Loaded query={stats}>
        {(stats) => (
          <Flex vertical gap="middle">
            {stats.disk.brake && <Alert type="error" showIcon title={t('diskFull')} />}
            {stats.spiders.total === 0 && (
              <Card>
                <EmptyState
                  title={t('welcome')}
                  hint={t('welcomeHint')}
                  action={<Link to="/spiders">{t('createSpider')}</Link>}
                />
              </Card>
            )}
            <Figures stats={stats} />
            <Trends />
            <Row gutter={[16, 16]}>
              <Col xs={24} xl={9}>
                <RecentTasks
                  title={t('now')}
                  statuses={['running', 'pending']}
                  empty={[t('nothingRuns'), t('nothingRunsHint')]}
                />
              </Col>
              <Col xs={24} xl={8}>
                <RecentTasks title={t('recentFailures')} statuses={['failed']} empty={[t('noFailures')]} />
              </Col>
              <Col xs={24} xl={7}>
                <NextFires fires={stats.next_fires} />
              </Col>
            </Row>
          </Flex>
        )}
      </Loaded>
    </>
  )
}
