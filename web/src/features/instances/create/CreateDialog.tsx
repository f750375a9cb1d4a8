import { Form, Input, InputNumber, Select, Switch } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, dataOf } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { EnvVarFields } from '../../../ui/EnvVarFields'
import { FormDialog } from '../../../ui/FormDialog'
import { locateVars } from '../../../ui/locateVars'
import { INSTANCES, type Limits } from '../addresses'
import { newOf, type Fields } from './fields'
import styles from './CreateDialog.module.css'

interface Props {
  limits: Limits
  isOpen: boolean
  onClose: () => void
  /** It is looked at next. */
  onCreated: (prefix: string) => void
}

const LEAST_MEMORY_MB = 32
const LEAST_PORT = 1024
const MOST_PORT = 65_535

export function CreateDialog({ limits, isOpen, onClose, onCreated }: Props) {
  const { t } = useTranslation('instances')
  const create = useChange(
    (fields: Fields) =>
      dataOf(api.POST(INSTANCES, { body: newOf(fields) })).catch((refused: unknown) => {
        throw locateVars(refused, 'env', fields.env)
      }),
    { refreshes: [INSTANCES], isQuiet: true, onSuccess: ({ prefix }) => onCreated(prefix) },
  )
  const [firstPort, lastPort] = limits.ports
  return (
    <FormDialog<Fields>
      title={t('create')}
      isOpen={isOpen}
      onClose={onClose}
      initial={{ image: limits.images[0], env: [], public: false }}
      onSave={create.mutateAsync}
      saveText={t('create')}
    >
      <Form.Item name="image" label={t('image')} extra={t('imageHint')}>
        <Select options={limits.images.map((value) => ({ value, label: value }))} />
      </Form.Item>
      <Form.Item
        name="prefix"
        label={t('prefix')}
        extra={t('prefixHint')}
        rules={[{ pattern: /^\s*([a-z0-9]{8,63})?\s*$/, message: t('prefixRule') }]}
      >
        <Input maxLength={63} placeholder={t('random')} autoComplete="off" spellCheck={false} />
      </Form.Item>
      <Form.Item name="command" label={t('command')} extra={t('commandHint')}>
        <Input.TextArea
          autoSize={{ minRows: 1, maxRows: 6 }}
          placeholder={t('ownCommand')}
          className={styles.code}
          spellCheck={false}
          dir="ltr"
        />
      </Form.Item>
      <div className={styles.columns}>
        <Form.Item name="container_port" label={t('containerPort')} extra={t('containerPortHint')}>
          <InputNumber
            min={LEAST_PORT}
            max={MOST_PORT}
            precision={0}
            placeholder={String(limits.container_port)}
            style={{ width: '100%' }}
          />
        </Form.Item>
        <Form.Item name="port" label={t('port')} extra={t('portHint', { first: firstPort, last: lastPort })}>
          <InputNumber min={firstPort} max={lastPort} precision={0} placeholder={t('free')} style={{ width: '100%' }} />
        </Form.Item>
        <Form.Item name="memory_mb" label={t('memory')}>
          <InputNumber
            min={Math.min(LEAST_MEMORY_MB, limits.memory_mb)}
            max={limits.memory_mb}
            precision={0}
            placeholder={String(limits.memory_mb)}
            style={{ width: '100%' }}
          />
        </Form.Item>
        <Form.Item name="cpus" label={t('cpus')}>
          <InputNumber
            min={Math.min(0.05, limits.cpus)}
            max={limits.cpus}
            step={0.1}
            placeholder={String(limits.cpus)}
            style={{ width: '100%' }}
          />
        </Form.Item>
      </div>
      <Form.Item label={t('env')} htmlFor="">
        <EnvVarFields name="env" hint={t('envHint')} />
      </Form.Item>
      <Form.Item name="public" label={t('public')} extra={t('publicHint')} valuePropName="checked">
        <Switch />
      </Form.Item>
    </FormDialog>
  )
}
