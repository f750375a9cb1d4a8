import { Link } from '@tanstack/react-router'
import { Card, Col, Row, Typography } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import type { Got } from '../../api/client'
import { bytes, count } from '../../ui/format'

export type Stats = Got<'/platform/api/crawlhub/dashboard/stats'>

/** The counts, each leading to what it counts. */
export function Figures({ stats }: { stats: Stats }) {
  const { t } = useTranslation('dashboard')
  const { tasks_24h: tasks, spiders, disk, proxies } = stats
  return (
    <Row gutter={[12, 12]}>
      <Figure
        label={
          <Link to="/tasks" search={{ status: 'running' }}>
            {t('running')}
          </Link>
        }
        value={count(tasks.running)}
      />
      <Figure
        label={
          <Link to="/tasks" search={{ status: 'pending' }}>
            {t('pending')}
          </Link>
        }
        value={count(tasks.pending)}
      />
      <Figure
        label={
          <Link to="/tasks" search={{ status: 'completed' }}>
            {t('completed')}
          </Link>
        }
        value={count(tasks.completed)}
        note={tasks.completed + tasks.failed > 0 && `${t('rate')} ${tasks.success_rate}%`}
      />
      <Figure
        label={
          <Link to="/tasks" search={{ status: 'failed' }}>
            {t('failed')}
          </Link>
        }
        value={count(tasks.failed)}
        tone={tasks.failed > 0 ? 'danger' : undefined}
      />
      <Figure label={<Link to="/data">{t('items')}</Link>} value={count(tasks.items)} />
      <Figure
        label={<Link to="/spiders">{t('spiders')}</Link>}
        value={count(spiders.total)}
        note={t('activeOf', { active: spiders.active, total: spiders.total })}
      />
      {proxies.total > 0 && (
        <Figure label={<Link to="/proxies">{t('proxies')}</Link>} value={`${proxies.active} / ${proxies.total}`} />
      )}
      {stats.code_sessions > 0 && <Figure label={t('editors')} value={count(stats.code_sessions)} />}
      <Figure
        label={<Link to="/settings">{t('disk')}</Link>}
        value={bytes(disk.free)}
        note={t('diskOf', { total: bytes(disk.total) })}
        tone={disk.brake ? 'danger' : undefined}
      />
    </Row>
  )
}

interface FigureProps {
  label: ReactNode
  value: string
  note?: ReactNode
  tone?: 'danger'
}

function Figure({ label, value, note, tone }: FigureProps) {
  return (
    <Col xs={12} sm={8} md={6} xl={{ flex: '1 0 130px' }}>
      <Card size="small" style={{ height: '100%' }}>
        <div>{label}</div>
        <Typography.Text type={tone} style={{ fontSize: 24, fontVariantNumeric: 'tabular-nums' }}>
          {value}
        </Typography.Text>
        <div>
          <Typography.Text type="secondary">{note || '\u00a0'}</Typography.Text>
        </div>
      </Card>
    </Col>
  )
}
