import { Form, Input } from 'antd'
import { useTranslation } from 'react-i18next'

import { EnvVarFields } from '../../../ui/EnvVarFields'
import { ProjectSelect } from '../list/ProjectSelect'
import styles from './groups.module.css'
import { KEPT, type Fields } from './fields'
import { GitFolderField } from './GitFolderField'
import { ChoiceField, Columns, JsonCodeField, JsonField, NumberField, SwitchField } from './inputs'
import { NodeFields } from './NodeFields'

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
        <Input maxLength={255} dir="auto" autoComplete="off" />
      </Form.Item>
      <Form.Item name="description" label={c('word.description')}>
        <Input.TextArea maxLength={10_000} autoSize={{ minRows: 2, maxRows: 12 }} dir="auto" />
      </Form.Item>
      <Columns>
        <Form.Item name="project_id" label={t('project')}>
          <ProjectSelect />
        </Form.Item>
        <SwitchField name="is_active" label={t('isActive')} extra={t('activeHint')} />
      </Columns>
      <Form.Item name="start_url" label={t('startUrl')} extra={t('startUrlHint')}>
        <Input inputMode="url" maxLength={2000} placeholder="https://" autoComplete="off" />
      </Form.Item>
    </>
  )
}

export function RunFields() {
  const { t } = useTranslation('spiders')
  const form = Form.useFormInstance<Fields>()
  const source = Form.useWatch('source', form) as Fields['source'] | undefined
  const isScrapy = source === 'scrapy'
  return (
    <>
      <Columns>
        <ChoiceField
          name="source"
          label={t('source')}
          extra={t('settings.sourceHint')}
          values={['empty', 'scrapy', 'git', 'upload'] as const}
          names={t('sources', { returnObjects: true })}
        />
        <Form.Item
          name="entry_point"
          label={t('settings.entryPoint')}
          extra={t(isScrapy ? 'settings.entryPointScrapy' : 'settings.entryPointHint')}
        >
          <Input
            maxLength={255}
            placeholder={isScrapy ? undefined : 'main.py'}
            className={styles.code}
            autoComplete="off"
            spellCheck={false}
          />
        </Form.Item>
        <ChoiceField
          name="runner"
          label={t('settings.runner')}
          extra={t('settings.runnerHint')}
          values={['auto', 'process', 'docker', 'node', 'swarm'] as const}
          names={t('settings.runners', { returnObjects: true })}
        />
        <Form.Item name="image" label={t('settings.image')} extra={t('settings.imageHint')}>
          <Input maxLength={255} className={styles.code} autoComplete="off" spellCheck={false} />
        </Form.Item>
      </Columns>
      {source === 'git' && <GitFolderField />}
      <NodeFields />
      <Form.Item name="requirements_txt" label={t('settings.requirements')} extra={t('settings.requirementsHint')}>
        <Input.TextArea
          autoSize={{ minRows: 3, maxRows: 16 }}
          maxLength={65_536}
          className={styles.code}
          spellCheck={false}
          dir="ltr"
          placeholder={'requests==2.32.3\nparsel'}
        />
      </Form.Item>
      <JsonField name="params" label={t('params')} extra={t('settings.paramsHint')} />
    </>
  )
}

export function LimitFields() {
  const { t } = useTranslation('spiders')
  const unlimited = t('settings.noLimit')
  return (
    <Columns>
      <NumberField name="timeout_seconds" label={t('settings.timeout')} least={1} unit={t('settings.seconds')} />
      <NumberField
        name="memory_limit_mb"
        label={t('settings.memory')}
        least={16}
        most={1_048_576}
        unit="MiB"
        otherwise={t('settings.asServer')}
      />
      <NumberField
        name="cpu_limit"
        label={t('settings.cpu')}
        extra={t('settings.cpuHint')}
        least={0.01}
        most={1024}
        isFraction
        otherwise={unlimited}
      />
      <NumberField
        name="max_items"
        label={t('settings.maxItems')}
        extra={t('settings.maxItemsHint')}
        least={1}
        otherwise={unlimited}
      />
    </Columns>
  )
}

export function OverlapFields() {
  const { t } = useTranslation('spiders')
  const form = Form.useFormInstance<Fields>()
  const isTogether = Form.useWatch('overlap', form) === 'allow'
  return (
    <Columns>
      <ChoiceField
        name="overlap"
        label={t('settings.overlap')}
        values={['skip', 'queue', 'replace', 'allow'] as const}
        names={t('settings.overlaps', { returnObjects: true })}
      />
      {isTogether && (
        <NumberField
          name="max_concurrent"
          label={t('settings.maxConcurrent')}
          least={1}
          most={100_000}
          otherwise={t('settings.noLimit')}
        />
      )}
      <ChoiceField
        name="misfire"
        label={t('settings.misfire')}
        extra={t('settings.misfireHint')}
        values={['run_once', 'skip'] as const}
        names={t('settings.misfires', { returnObjects: true })}
      />
    </Columns>
  )
}

export function DataFields() {
  const { t } = useTranslation('spiders')
  const form = Form.useFormInstance<Fields>()
  const isDeduped = Form.useWatch('dedup_enabled', form)
  return (
    <>
      <SwitchField name="dedup_enabled" label={t('settings.dedup')} extra={t('settings.dedupHint')} />
      {isDeduped && (
        <Columns>
          <Form.Item name="dedup_fields" label={t('settings.dedupFields')} extra={t('settings.dedupFieldsHint')}>
            <Input maxLength={2000} className={styles.code} placeholder="url" autoComplete="off" spellCheck={false} />
          </Form.Item>
          <ChoiceField
            name="dedup_policy"
            label={t('settings.dedupPolicy')}
            values={['keep_first', 'keep_last', 'version'] as const}
            names={t('settings.dedupPolicies', { returnObjects: true })}
          />
        </Columns>
      )}
      <JsonCodeField name="item_schema" label={t('settings.schema')} extra={t('settings.schemaHint')} />
    </>
  )
}

export function EnvironmentFields() {
  const { t } = useTranslation('spiders')
  return <EnvVarFields name="env_vars" hint={t('settings.envHint')} />
}

export function NetworkFields() {
  const { t } = useTranslation('spiders')
  return (
    <>
      <Columns>
        <SwitchField name="proxy_enabled" label={t('settings.proxy')} extra={t('settings.proxyHint')} />
        <NumberField
          name="rate_limit_rps"
          label={t('settings.rate')}
          extra={t('settings.rateHint')}
          least={0.001}
          most={1_000_000}
          isFraction
          otherwise={t('settings.noLimit')}
        />
      </Columns>
      <Form.Item name="webhook_url" label={t('settings.webhook')} extra={t('settings.webhookHint')}>
        <Input inputMode="url" maxLength={500} placeholder="https://" autoComplete="off" />
      </Form.Item>
    </>
  )
}

export function RetentionFields() {
  const { t } = useTranslation('spiders')
  return (
    <>
      <p style={{ marginTop: 0 }}>{t('settings.retentionHint')}</p>
      <Columns>
        {KEPT.map((name) => (
          <NumberField
            key={name}
            name={['retention', name]}
            label={t(`settings.kept.${name}`)}
            otherwise={t('settings.asServer')}
            unit={t(`settings.keptUnit.${name}`)}
          />
        ))}
      </Columns>
    </>
  )
}
