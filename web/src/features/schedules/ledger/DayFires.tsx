import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Typography, type TableColumnsType } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { get } from '../../../api/client'
import { EmptyState } from '../../../ui/EmptyState'
import { count, duration, time } from '../../../ui/format'
import { ListTable, type PageSearch } from '../../../ui/ListTable'
import { SCHEDULE, type Fire } from '../addresses'
import { HEADING } from '../heading'
import { spanOf } from './counting'
import { OutcomeTag } from './OutcomeTag'
import { Sentence } from './Sentence'

interface Props {
  /** The schedule's. */
  id: string
  day: string
  zone: string
}

/** Each planned time of a day. */
export function DayFires({ id, day, zone }: Props) {
  const { t } = useTranslation('schedules')
  const [paging, setPaging] = useState<PageSearch>({})
  const query = useQuery({
    ...get(`${SCHEDULE}/fires`, { params: { path: { id }, query: { ...spanOf(day, zone), ...paging } } }),
    placeholderData: keepPreviousData,
  })
  const columns: TableColumnsType<Fire> = [
    { title: t('ledger.planned'), render: (_, { planned_at }) => time(planned_at, zone) },
    { title: t('ledger.outcome'), render: (_, { outcome }) => <OutcomeTag outcome={outcome} /> },
    {
      title: t('ledger.task'),
      render: (_, { task_id: taskId }) =>
        taskId ? (
          <Link to="/tasks/$taskId" params={{ taskId }}>
            {t('ledger.showTask')}
          </Link>
        ) : (
          '—'
        ),
    },
    {
      title: t('ledger.late'),
      align: 'right',
      render: (_, { late_ms: late }) => (late == null ? '—' : duration(late)),
    },
    { title: t('ledger.reason'), render: (_, fire) => <Reason fire={fire} zone={zone} /> },
  ]
  return (
    <section aria-labelledby="planned-times">
      <h3 id="planned-times" style={{ ...HEADING, padding: '8px 0' }}>
        {t('ledger.dayTitle', { day })}
      </h3>
      <ListTable
        query={query}
        rowKey="planned_at"
        size="small"
        columns={columns}
        onPage={(page, page_size) => setPaging({ page, page_size })}
        empty={<EmptyState title={t('ledger.none')} />}
      />
    </section>
  )
}

function Reason({ fire: { reason, earlier, earlier_from }, zone }: { fire: Fire; zone: string }) {
  const { t } = useTranslation('schedules')
  if (!reason && !earlier) return '—'
  return (
    <div style={{ minWidth: 160, maxWidth: 420, overflowWrap: 'anywhere' }}>
      {reason && <Sentence text={reason} zone={zone} />}
      {earlier && earlier_from && (
        <div>
          <Typography.Text type="secondary">
            {t('ledger.earlier', { count: count(earlier), from: time(earlier_from, zone) })}
          </Typography.Text>
        </div>
      )}
    </div>
  )
}
