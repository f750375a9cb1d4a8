import { Button, Flex, Form, Input, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { describe } from '../cron/describe'

const PRESETS = {
  tenMinutes: '*/10 * * * *',
  hourly: '0 * * * *',
  daily: '0 8 * * *',
  workdays: '0 9 * * MON-FRI',
  weekly: '0 8 * * MON',
  monthly: '0 8 1 * *',
} as const

/** A cron expression: written, or chosen, and said in words. */
export function CronField() {
  const { t, i18n } = useTranslation('schedules')
  const { t: c } = useTranslation()
  const form = Form.useFormInstance<{ cron_expr: string }>()
  const expr = (Form.useWatch('cron_expr', form) as string | undefined) ?? ''
  const said = expr.trim() ? (describe(expr, t, i18n.language) ?? t('field.custom')) : t('field.cronHint')
  const choose = (preset: string) => {
    form.setFields([{ name: 'cron_expr', value: preset, errors: [] }])
  }
  return (
    <>
      <Form.Item
        name="cron_expr"
        label={t('field.cron')}
        rules={[{ required: true, whitespace: true, message: c('word.required') }]}
        extra={<span role="status">{said}</span>}
      >
        <Input maxLength={255} spellCheck={false} autoComplete="off" style={{ fontFamily: 'monospace' }} />
      </Form.Item>
      <Form.Item>
        <Flex gap={4} wrap role="group" aria-label={t('field.presets')} align="center">
          <Typography.Text type="secondary">{t('field.presets')}</Typography.Text>
          {Object.entries(PRESETS).map(([name, preset]) => (
            <Button key={name} size="small" onClick={() => choose(preset)}>
              {t(`preset.${name as keyof typeof PRESETS}`)}
            </Button>
          ))}
        </Flex>
      </Form.Item>
    </>
  )
}
