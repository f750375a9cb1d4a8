import { Form, Input, InputNumber, Select, Switch } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import { parseObject } from '../json'
import { ProjectSelect } from '../list/ProjectSelect'
import styles from './groups.module.css'

type Name = string | string[]

function NumberField({
  name,
  label,
  extra,
  min = 0,
  isWhole = true,
}: {
  name: Name
  label: string
  extra?: string
  min?: number
  isWhole?: boolean
}) {
  return (
    <Form.Item name={name} label={label} extra={extra}>
      <InputNumber min={min} precision={isWhole ? 0 : undefined} style={{ width: '100%' }} />
    </Form.Item>
  )
}

function SwitchField({ name, label, extra }: { name: Name; label: string; extra?: string }) {
  return (
    <Form.Item name={name} label={label} extra={extra} valuePropName="checked">
      <Switch />
    </Form.Item>
  )
}

function JsonField({ name, label, extra }: { name: Name; label: string; extra?: string }) {
  const { t } = useTranslation('spiders')
  const validator = (_: unknown, text: string) =>
    parseObject(text) ? Promise.resolve() : Promise.reject(new Error(t('badJson')))
  return (
    <Form.Item name={name} label={label} extra={extra} rules={[{ validator }]}>
      <Input.TextArea autoSize={{ minRows: 4, maxRows: 20 }} className={styles.code} spellCheck={false} dir="ltr" />
    </Form.Item>
  )
}

const Columns = ({ children }: { children: ReactNode }) => <div className={styles.columns}>{children}</div>

export function BasicFields() {
  const { t } = useTranslation('spiders')
  const { t: c } = useTranslation()
  return (
    <>
      <Form.Item
        name="name"
        label={c('word.name')}
        rules={[{ required: true, whitespace: true, message: c('word.required') }]}
      >
        <Input maxLength={255} dir="auto" />
      </Form.Item>
      <Form.Item name="description" label={c('word.description')}>
        <Input.TextArea autoSize={{ minRows: 2 }} dir="auto" />
      </Form.Item>
      <Columns>
        <Form.Item name="project_id" label={t('project')}>
          <ProjectSelect />
        </Form.Item>
        <SwitchField name="is_active" label={t('isActive')} extra={t('activeHint')} />
      </Columns>
      <Form.Item name="start_url" label={t('startUrl')} extra={t('startUrlHint')}>
        <Input type="url" />
      </Form.Item>
    </>
  )
}

export function RunFields() {
  const { t } = useTranslation('spiders')
  const runners = (['auto', 'process', 'docker', 'node'] as const).map((value) => ({
    value,
    label: t(`settings.runners.${value}`),
  }))
  const sources = (['empty', 'scrapy', 'git', 'upload'] as const).map((value) => ({
    value,
    label: t(`sources.${value}`),
  }))
  return (
    <>
      <Columns>
        <Form.Item name="source" label={t('source')}>
          <Select options={sources} />
        </Form.Item>
        <Form.Item name="entry_point" label={t('settings.entryPoint')} extra={t('settings.entryPointHint')}>
          <Input placeholder="main.py" className={styles.code} />
        </Form.Item>
        <Form.Item name="runner" label={t('settings.runner')}>
          <Select options={runners} />
        </Form.Item>
        <Form.Item name="image" label={t('settings.image')} extra={t('settings.imageHint')}>
          <Input className={styles.code} />
        </Form.Item>
      </Columns>
      <Form.Item name="requirements_txt" label={t('settings.requirements')}>
        <Input.TextArea autoSize={{ minRows: 3, maxRows: 16 }} className={styles.code} spellCheck={false} />
      </Form.Item>
      <JsonField name="params" label={t('settings.params')} />
    </>
  )
}

export function LimitFields() {
  const { t } = useTranslation('spiders')
  const none = t('settings.emptyMeansNone')
  return (
    <Columns>
      <NumberField name="timeout_seconds" label={t('settings.timeout')} min={1} />
      <NumberField name="memory_limit_mb" label={t('settings.memory')} min={1} extra={none} />
      <NumberField name="cpu_limit" label={t('settings.cpu')} isWhole={false} extra={none} />
      <NumberField name="max_items" label={t('settings.maxItems')} min={1} extra={none} />
    </Columns>
  )
}

export function RetryFields() {
  const { t } = useTranslation('spiders')
  const overlaps = (['skip', 'queue', 'replace', 'allow'] as const).map((value) => ({
    value,
    label: t(`settings.overlaps.${value}`),
  }))
  const misfires = (['run_once', 'skip'] as const).map((value) => ({ value, label: t(`settings.misfires.${value}`) }))
  return (
    <Columns>
      <NumberField name="max_retries" label={t('settings.maxRetries')} />
      <NumberField name="retry_delay_seconds" label={t('settings.retryDelay')} />
      <Form.Item name="overlap" label={t('settings.overlap')}>
        <Select options={overlaps} />
      </Form.Item>
      <NumberField
        name="max_concurrent"
        label={t('settings.maxConcurrent')}
        min={1}
        extra={t('settings.maxConcurrentHint')}
      />
      <Form.Item name="misfire" label={t('settings.misfire')}>
        <Select options={misfires} />
      </Form.Item>
    </Columns>
  )
}

export function DataFields() {
  const { t } = useTranslation('spiders')
  const policies = (['keep_first', 'keep_last', 'version'] as const).map((value) => ({
    value,
    label: t(`settings.dedupPolicies.${value}`),
  }))
  return (
    <>
      <Columns>
        <SwitchField name="dedup_enabled" label={t('settings.dedup')} />
        <Form.Item name="dedup_policy" label={t('settings.dedupPolicy')}>
          <Select options={policies} />
        </Form.Item>
      </Columns>
      <Form.Item name="dedup_fields" label={t('settings.dedupFields')} extra={t('settings.dedupFieldsHint')}>
        <Input className={styles.code} placeholder="url" />
      </Form.Item>
      <JsonField name="item_schema" label={t('settings.schema')} extra={t('settings.schemaHint')} />
    </>
  )
}

export function NetworkFields() {
  const { t } = useTranslation('spiders')
  return (
    <>
      <Columns>
        <SwitchField name="proxy_enabled" label={t('settings.proxy')} />
        <SwitchField name="autothrottle_enabled" label={t('settings.autothrottle')} />
        <NumberField
          name="rate_limit_rps"
          label={t('settings.rate')}
          isWhole={false}
          extra={t('settings.emptyMeansNone')}
        />
      </Columns>
      <Form.Item name="webhook_url" label={t('settings.webhook')}>
        <Input type="url" />
      </Form.Item>
    </>
  )
}

export function RetentionFields() {
  const { t } = useTranslation('spiders')
  const hint = t('settings.retentionHint')
  return (
    <Columns>
      <NumberField name={['retention', 'task_days']} label={t('settings.taskDays')} min={1} extra={hint} />
      <NumberField name={['retention', 'tasks']} label={t('settings.tasks')} min={1} extra={hint} />
      <NumberField name={['retention', 'log_days']} label={t('settings.logDays')} min={1} extra={hint} />
      <NumberField name={['retention', 'item_days']} label={t('settings.itemDays')} min={1} extra={hint} />
      <NumberField name={['retention', 'versions']} label={t('settings.versions')} min={1} extra={hint} />
    </Columns>
  )
}
