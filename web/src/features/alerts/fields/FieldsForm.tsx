import { Form, Input, InputNumber, type FormItemProps } from 'antd'
import { useTranslation } from 'react-i18next'

import { isMaskWhole, isNumber, type Field, type NumberField, type TextField, type Values } from './field'

interface Props {
  fields: readonly Field[]
  /** The name of their object in the form. */
  at: string
  /** What stood there when the form was opened: masks of it may be sent back. */
  before: Values
}

/** The settings that the kind of a rule or a channel takes. */
export function FieldsForm({ fields, at, before }: Props) {
  const { t } = useTranslation('alerts')
  const { t: c } = useTranslation()
  const rulesOf = (field: Field): FormItemProps['rules'] => {
    if (isNumber(field)) return [{ required: true, message: c('word.required') }]
    const was = before[field.name]
    const isWhole = (value: unknown) =>
      typeof value !== 'string' || isMaskWhole(value, typeof was === 'string' ? was : '')
    return [
      { required: field.isRequired, whitespace: true, message: c('word.required') },
      ...(field.kind === 'url' ? [{ pattern: /^\s*https?:\/\/\S+\s*$/i, message: t('fieldError.url') }] : []),
      {
        validator: (_, value) => (isWhole(value) ? Promise.resolve() : Promise.reject(new Error(t('fieldError.mask')))),
      },
    ]
  }
  return fields.map((field) => (
    <Form.Item
      key={field.name}
      name={[at, field.name]}
      label={t(`field.${field.label}`)}
      extra={field.help && t(`fieldHelp.${field.help}`)}
      rules={rulesOf(field)}
      validateFirst
    >
      {isNumber(field) ? <NumberInput field={field} /> : <TextInput field={field} />}
    </Form.Item>
  ))
}

/** `Form.Item` gives it its value. */
function NumberInput({ field, ...given }: { field: NumberField }) {
  const { t } = useTranslation('alerts')
  const scale = field.kind === 'percent' ? 100 : 1
  return (
    <InputNumber
      {...given}
      min={field.least * scale}
      max={field.most * scale}
      precision={field.kind === 'percent' ? undefined : 0}
      suffix={t(`unit.${field.unit}`)}
      style={{ width: 200 }}
    />
  )
}

function TextInput({ field, ...given }: { field: TextField }) {
  if (field.kind === 'secret') {
    // What is typed takes the place of the mask, not one beside it.
    return <Input.Password {...given} autoComplete="new-password" onFocus={(event) => event.target.select()} />
  }
  if (field.kind === 'receivers') return <Input.TextArea {...given} autoSize={{ minRows: 1, maxRows: 4 }} />
  return <Input {...given} type="text" inputMode="url" placeholder="https://" />
}
