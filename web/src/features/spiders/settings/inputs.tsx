import { Form, Input, InputNumber, Select, Switch } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import { CodeEditor } from '../../../ui/CodeEditor'
import { useMay } from '../../session/profile'
import { jsonRule } from '../jsonRule'
import styles from './groups.module.css'

export interface Labelled {
  name: string | string[]
  label: string
  extra?: ReactNode
}

interface Numeric {
  least?: number
  most?: number
  /** As 0.5; whole numbers otherwise. */
  isFraction?: boolean
  unit?: string
  /** What holds where it is empty; a number that may not be empty has none. */
  otherwise?: string
}

export function NumberField({ name, label, extra, least = 0, most, isFraction, unit, otherwise }: Labelled & Numeric) {
  const { t } = useTranslation('spiders')
  const { t: c } = useTranslation()
  const isRequired = otherwise === undefined
  const labelled = unit ? t('settings.withUnit', { label, unit }) : label
  return (
    <Form.Item
      name={name}
      label={labelled}
      extra={extra}
      rules={[{ required: isRequired, message: c('word.required') }]}
    >
      <InputNumber
        min={least}
        max={most}
        precision={isFraction ? undefined : 0}
        placeholder={otherwise}
        style={{ width: '100%' }}
      />
    </Form.Item>
  )
}

export function SwitchField({ name, label, extra }: Labelled) {
  return (
    <Form.Item name={name} label={label} extra={extra} valuePropName="checked">
      <Switch />
    </Form.Item>
  )
}

/** One of a few words, each with a name that people know. */
export function ChoiceField<T extends string>({
  names,
  values,
  ...labelled
}: Labelled & { names: Record<T, string>; values: readonly T[] }) {
  return (
    <Form.Item {...labelled}>
      <Select options={values.map((value) => ({ value, label: names[value] }))} />
    </Form.Item>
  )
}

/** An object as JSON; an empty text is none. */
export function JsonField({ name, label, extra }: Labelled) {
  const { t } = useTranslation('spiders')
  return (
    <Form.Item name={name} label={label} extra={extra} rules={[jsonRule(t('badJson'))]}>
      <Input.TextArea autoSize={{ minRows: 3, maxRows: 20 }} className={styles.code} spellCheck={false} dir="ltr" />
    </Form.Item>
  )
}

/** The same, where it is long enough for an editor. */
export function JsonCodeField({ name, label, extra }: Labelled & { name: string }) {
  const { t } = useTranslation('spiders')
  return (
    <Form.Item name={name} label={label} extra={extra} htmlFor="" rules={[jsonRule(t('badJson'))]}>
      <JsonCode path={`${name}.json`} label={label} />
    </Form.Item>
  )
}

interface Code {
  id?: string
  path: string
  label: string
  value?: string
  onChange?: (text: string) => void
}

/** `Form.Item` gives it its value. */
function JsonCode({ id, path, label, value = '', onChange }: Code) {
  const isReadOnly = !useMay('editor')
  return (
    <div id={id} tabIndex={-1} className={styles.editor}>
      <CodeEditor path={path} value={value} onChange={onChange} isReadOnly={isReadOnly} height={240} label={label} />
    </div>
  )
}

export const Columns = ({ children }: { children: ReactNode }) => <div className={styles.columns}>{children}</div>
