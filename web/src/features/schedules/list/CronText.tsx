import { Flex, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { describe } from '../cron/describe'

/** A cron expression, and what it says. */
export function CronText({ expr }: { expr: string }) {
  const { t, i18n } = useTranslation('schedules')
  const words = describe(expr, t, i18n.language)
  return (
    <Flex vertical align="start">
      {words && <span>{words}</span>}
      <Typography.Text code>{expr}</Typography.Text>
    </Flex>
  )
}
