import { useQuery } from '@tanstack/react-query'
import { Card, Table, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import { get } from '../../../api/client'
import { EmptyState } from '../../../ui/EmptyState'
import { relative } from '../../../ui/format'
import { Loaded } from '../../../ui/Loaded'
import { SCHEDULE, type Schedule } from '../addresses'
import { HEADING } from '../heading'
import { withDay } from '../time/withDay'
import { ownZone } from '../time/zone'

const COUNT = 10
const LEAST_MS = 5000

/** When the first of them has passed, it is read again. */
const untilPassed = (first: string | undefined) =>
  first === undefined ? false : Math.min(2 ** 31 - 1, Math.max(LEAST_MS, Date.parse(first) - Date.now() + 1000))

/** The next planned times of a schedule. */
export function UpcomingCard({ schedule }: { schedule: Schedule }) {
  const { t } = useTranslation('schedules')
  const query = useQuery({
    ...get(`${SCHEDULE}/upcoming`, { params: { path: { id: schedule.id }, query: { count: COUNT } } }),
    refetchInterval: ({ state }) => untilPassed(state.data?.[0]),
  })
  const { timezone } = schedule
  const own = ownZone()
  const columns: TableColumnsType<{ at: string }> = [
    { title: t('upcoming.inZone', { zone: timezone }), render: (_, { at }) => withDay(at, timezone) },
    ...(own === timezone
      ? []
      : [
          {
            title: t('upcoming.inOwn', { zone: own }),
            render: (_: unknown, { at }: { at: string }) => withDay(at, own),
          },
        ]),
    { title: t('upcoming.away'), render: (_, { at }) => relative(at) },
  ]
  return (
    <Card size="small" title={<h2 style={HEADING}>{t('upcoming.title')}</h2>}>
      <Loaded query={query}>
        {(times) =>
          times.length === 0 ? (
            <EmptyState title={t('upcoming.none')} hint={t('upcoming.noneHint')} />
          ) : (
            <div role="region" aria-label={t('upcoming.title')} tabIndex={0} style={{ overflowX: 'auto' }}>
              <Table
                rowKey="at"
                size="small"
                columns={columns}
                dataSource={times.map((at) => ({ at }))}
                pagination={false}
                style={{ minWidth: 420 }}
              />
            </div>
          )
        }
      </Loaded>
    </Card>
  )
}
