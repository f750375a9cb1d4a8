import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Card, Segmented, theme } from 'antd'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { get } from '../../api/client'
import { Chart } from '../../ui/Chart'
import { Loaded } from '../../ui/Loaded'
import { trendOption } from './trendOption'

const SPANS = [7, 14, 30]
const REFRESH_MS = 60_000

/** How many tasks ended well or badly on each day, and what they brought, in the reader's own days. */
export function Trends() {
  const { t } = useTranslation('dashboard')
  const { token } = theme.useToken()
  const [days, setDays] = useState(7)
  const timezone = Intl.DateTimeFormat().resolvedOptions().timeZone
  const trends = useQuery({
    ...get('/platform/api/crawlhub/dashboard/trends', { params: { query: { days, timezone } } }),
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
  })
  const option = useMemo(
    () =>
      trendOption(
        trends.data ?? [],
        { completed: t('dayCompleted'), failed: t('dayFailed'), items: t('dayItems') },
        { completed: token.colorSuccess, failed: token.colorError, items: token.colorPrimary },
      ),
    [trends.data, t, token],
  )
  const spans = SPANS.map((value) => ({ value, label: t('days', { days: value }) }))
  return (
    <Card
      title={t('trends')}
      extra={<Segmented size="small" options={spans} value={days} onChange={setDays} aria-label={t('trends')} />}
    >
      <Loaded query={trends}>{() => <Chart option={option} label={t('trendsLabel', { days })} />}</Loaded>
    </Card>
  )
}
