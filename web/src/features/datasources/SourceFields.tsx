import { Checkbox, Flex, Form, Input, InputNumber, Select } from 'antd'
import { useTranslation } from 'react-i18next'

import type { Fields } from './fields'
import { KIND_NAMES, KINDS } from './kinds'
import { TLS } from './options'

/** What a datasource is, and how it is reached. */
export function SourceFields({ isNew }: { isNew: boolean }) {
  const { t } = useTranslation('datasources')
  const { t: c } = useTranslation()
  const form = Form.useFormInstance<Fields>()
  const kind = (Form.useWatch('type', form) as Fields['type'] | undefined) ?? 'postgresql'
  const required = { required: true, whitespace: true, message: c('word.required') }
  return (
    <>
      <Form.Item name="type" label={t('kind')}>
        <Select disabled={!isNew} options={KIND_NAMES.map((value) => ({ value, label: KINDS[value].name }))} />
      </Form.Item>
      <Form.Item name="name" label={c('word.name')} rules={[required]}>
        <Input maxLength={255} autoComplete="off" />
      </Form.Item>
      <Form.Item name="description" label={c('word.description')}>
        <Input maxLength={2000} />
      </Form.Item>
      <Flex gap="small">
        <Form.Item name="host" label={t('host')} rules={[required]} style={{ flex: 1 }}>
          <Input maxLength={255} autoComplete="off" />
        </Form.Item>
        <Form.Item name="port" label={t('port')} style={{ width: 110 }}>
          <InputNumber
            min={1}
            max={65_535}
            precision={0}
            placeholder={String(KINDS[kind].port)}
            style={{ width: '100%' }}
          />
        </Form.Item>
      </Flex>
      <Form.Item name="database" label={t('database')} rules={[required]}>
        <Input maxLength={255} autoComplete="off" />
      </Form.Item>
      {isNew && (
        <Form.Item name="create_db_if_not_exists" valuePropName="checked">
          <Checkbox>{t('createDatabase')}</Checkbox>
        </Form.Item>
      )}
      <Flex gap="small" wrap>
        <Form.Item name="username" label={t('username')} style={{ flex: '1 1 200px' }}>
          <Input maxLength={255} autoComplete="off" />
        </Form.Item>
        <Form.Item
          name="password"
          label={t('password')}
          extra={!isNew && t('passwordHint')}
          style={{ flex: '1 1 200px' }}
        >
          <Input.Password maxLength={1000} autoComplete="new-password" />
        </Form.Item>
      </Flex>
      <Form.Item name={['connection_options', 'tls']} label={t('tls.label')}>
        <Select options={TLS.map((value) => ({ value, label: `${value} · ${t(`tls.${value}`)}` }))} />
      </Form.Item>
      {kind === 'mongodb' && (
        <>
          <Form.Item name={['connection_options', 'authSource']} label="authSource" extra={t('authSourceHint')}>
            <Input autoComplete="off" />
          </Form.Item>
          <Form.Item name={['connection_options', 'replicaSet']} label="replicaSet">
            <Input autoComplete="off" />
          </Form.Item>
        </>
      )}
    </>
  )
}
