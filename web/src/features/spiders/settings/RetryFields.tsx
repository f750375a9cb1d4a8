import { DeleteOutlined, PlusOutlined } from '@ant-design/icons'
import { Button, ConfigProvider, Flex, Form, Input, InputNumber, Select, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { CATEGORIES, type Fields } from './fields'
import styles from './groups.module.css'
import { Columns, NumberField } from './inputs'

const MOST_RETRIES = 100
const MOST_RULES = 50

/** What is tried again, and what a failure is taken for. */
export function RetryFields() {
  const { t } = useTranslation(['spiders', 'tasks'])
  const form = Form.useFormInstance<Fields>()
  const retries = (Form.useWatch('max_retries', form) as number | null | undefined) ?? 0
  const otherwise = { network: retries, timeout: retries, system: retries, auth: Math.min(retries, 1), parse: 0 }
  return (
    <>
      <Columns>
        <NumberField name="max_retries" label={t('settings.maxRetries')} most={MOST_RETRIES} />
        <NumberField
          name="retry_delay_seconds"
          label={t('settings.retryDelay')}
          extra={t('settings.retryDelayHint')}
          most={3600}
          unit={t('settings.seconds')}
        />
      </Columns>
      <Typography.Title level={3} style={{ fontSize: 14, marginTop: 0 }}>
        {t('settings.retryLimits')}
      </Typography.Title>
      <Typography.Paragraph type="secondary">{t('settings.retryLimitsHint')}</Typography.Paragraph>
      <Columns>
        {CATEGORIES.map((category) => (
          <NumberField
            key={category}
            name={['retry_limits', category]}
            label={t(`tasks:category.${category}`)}
            most={MOST_RETRIES}
            otherwise={String(otherwise[category])}
          />
        ))}
      </Columns>
      <ErrorRules />
    </>
  )
}

function ErrorRules() {
  const { t } = useTranslation(['spiders', 'tasks'])
  const { t: c } = useTranslation()
  const isReadOnly = ConfigProvider.useConfig().componentDisabled
  const categories = CATEGORIES.map((value) => ({ value, label: t(`tasks:category.${value}`) }))
  return (
    <>
      <Typography.Title level={3} style={{ fontSize: 14, marginTop: 0 }}>
        {t('settings.errorRules')}
      </Typography.Title>
      <Typography.Paragraph type="secondary">{t('settings.errorRulesHint')}</Typography.Paragraph>
      <Form.List name="error_rules">
        {(rows, { add, remove }) => (
          <Flex vertical gap="middle">
            {rows.map(({ key, name }) => (
              <div key={key} role="group" aria-label={t('settings.rule', { number: name + 1 })} className={styles.row}>
                <Form.Item name={[name, 'exit_code']}>
                  <InputNumber
                    precision={0}
                    aria-label={t('settings.exitCode')}
                    placeholder={t('settings.exitCode')}
                    style={{ width: '100%' }}
                  />
                </Form.Item>
                <Form.Item
                  name={[name, 'pattern']}
                  style={{ flexGrow: 3 }}
                  dependencies={[['error_rules', name, 'exit_code']]}
                  rules={[
                    ({ getFieldValue }) => ({
                      required: typeof getFieldValue(['error_rules', name, 'exit_code']) !== 'number',
                      message: t('settings.ruleNeeds'),
                    }),
                  ]}
                >
                  <Input
                    maxLength={500}
                    aria-label={t('settings.pattern')}
                    placeholder={t('settings.pattern')}
                    className={styles.code}
                    autoComplete="off"
                    spellCheck={false}
                  />
                </Form.Item>
                <Form.Item name={[name, 'category']} rules={[{ required: true, message: c('word.required') }]}>
                  <Select aria-label={t('settings.category')} options={categories} />
                </Form.Item>
                {!isReadOnly && (
                  <Button
                    icon={<DeleteOutlined />}
                    aria-label={t('settings.ruleRemove', { number: name + 1 })}
                    onClick={() => remove(name)}
                  />
                )}
              </div>
            ))}
            {!isReadOnly && (
              <div>
                <Button
                  icon={<PlusOutlined />}
                  disabled={rows.length >= MOST_RULES}
                  onClick={() => add({ category: 'network' })}
                >
                  {t('settings.ruleAdd')}
                </Button>
              </div>
            )}
          </Flex>
        )}
      </Form.List>
    </>
  )
}
