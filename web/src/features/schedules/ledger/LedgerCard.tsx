import { LeftOutlined, RightOutlined } from '@ant-design/icons'
import { getRouteApi } from '@tanstack/react-router'
import { Button, Card, Flex, Spin, Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { ErrorAlert } from '../../../ui/ErrorAlert'
import type { Schedule } from '../addresses'
import { HEADING } from '../heading'
import { dayOf } from '../time/zone'
import { DayFires } from './DayFires'
import { isDay, isMonth, monthAfter } from './month'
import { MonthTable } from './MonthTable'
import { useCounts } from './useCounts'

const route = getRouteApi('/inside/spiders/$spiderId/schedule')

/** What became of a schedule's planned times, month by month. */
export function LedgerCard({ schedule: { id, timezone: zone } }: { schedule: Schedule }) {
  const { t, i18n } = useTranslation('schedules')
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const [now] = useState(() => Date.now())
  const today = dayOf(now, zone)
  const thisMonth = today.slice(0, 7)
  const day = isDay(search.day) ? search.day : undefined
  const month = isMonth(search.month) ? search.month : (day?.slice(0, 7) ?? thisMonth)
  const query = useCounts(id, month, zone)
  const go = (to: { month?: string; day?: string }) =>
    void navigate({ search: { schedule: search.schedule, ...to }, replace: true, resetScroll: false })
  const name = new Intl.DateTimeFormat(i18n.language, { year: 'numeric', month: 'long', timeZone: 'UTC' })
  return (
    <Card size="small" title={<h2 style={HEADING}>{t('ledger.title')}</h2>}>
      <Flex vertical gap="small">
        <Typography.Text type="secondary">{t('ledger.lead', { zone })}</Typography.Text>
        <Flex gap="small" align="center" wrap>
          <Button
            icon={<LeftOutlined />}
            aria-label={t('ledger.previous')}
            onClick={() => go({ month: monthAfter(month, -1) })}
          />
          <h3 style={{ ...HEADING, minWidth: 110, textAlign: 'center' }} aria-live="polite">
            {name.format(Date.parse(`${month}-01`))}
          </h3>
          <Button
            icon={<RightOutlined />}
            aria-label={t('ledger.next')}
            disabled={month >= thisMonth}
            onClick={() => go({ month: monthAfter(month, 1) })}
          />
          {month !== thisMonth && <Button onClick={() => go({})}>{t('ledger.today')}</Button>}
          {query.isFetching && (
            <Flex gap="small" role="status">
              <Spin size="small" /> {t('ledger.counting')}
            </Flex>
          )}
        </Flex>
        {query.isError && <ErrorAlert error={query.error} onRetry={() => void query.refetch()} />}
        <MonthTable
          month={month}
          today={today}
          counts={query.isPlaceholderData ? undefined : query.data}
          chosen={day}
          onChoose={(chosen) => go({ month, day: chosen })}
        />
        {day ? (
          <DayFires key={day} id={id} day={day} zone={zone} />
        ) : (
          <Typography.Text type="secondary">{t('ledger.choose')}</Typography.Text>
        )}
      </Flex>
    </Card>
  )
}
