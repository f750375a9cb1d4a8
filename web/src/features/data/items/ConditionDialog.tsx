import { AutoComplete, Form, Input, Select } from 'antd'
import { useTranslation } from 'react-i18next'

import { FormDialog } from '../../../ui/FormDialog'
import type { Field } from '../types'
import { OPERATORS, signOf, writeFilter, type Filter, type Operator } from './filter'
import { pathOf } from './path'

interface Props {
  isOpen: boolean
  onClose: () => void
  fields: Field[]
  /** As the API takes it. */
  onAdd: (filter: string) => void
}

/** A further condition that items must meet. */
export function ConditionDialog({ isOpen, onClose, fields, onAdd }: Props) {
  const { t } = useTranslation('data')
  const { t: c } = useTranslation()
  const required = { required: true, message: c('word.required') }
  const add = async (filter: Filter) => {
    const types = fields.find(({ name }) => pathOf(name) === filter.path)?.types ?? {}
    onAdd(writeFilter(filter, Object.keys(types)))
    return Promise.resolve()
  }
  return (
    <FormDialog<Filter>
      title={t('filter.add')}
      isOpen={isOpen}
      onClose={onClose}
      initial={{ operator: 'eq' }}
      onSave={add}
      saveText={c('action.add')}
    >
      <Form.Item name="path" label={t('filter.field')} extra={t('filter.fieldHint')} rules={[required]}>
        <AutoComplete
          options={fields.map(({ name }) => ({ value: pathOf(name), label: <bdi>{name}</bdi> }))}
          showSearch={{ filterOption: (typed, option) => String(option?.value).includes(typed) }}
        />
      </Form.Item>
      <Form.Item name="operator" label={t('filter.operator')}>
        <Select<Operator>
          options={OPERATORS.map((value) => ({
            value,
            label: [signOf(value), t(`filter.${value}`)].filter(Boolean).join(' '),
          }))}
        />
      </Form.Item>
      <Form.Item noStyle dependencies={['operator']}>
        {({ getFieldValue }) =>
          getFieldValue('operator') === 'exists' ? (
            <Form.Item key="exists" name="value" label={t('filter.value')} initialValue="true" rules={[required]}>
              <Select
                options={['true', 'false'].map((value) => ({
                  value,
                  label: t(value === 'true' ? 'filter.filled' : 'filter.missing'),
                }))}
              />
            </Form.Item>
          ) : (
            <Form.Item
              key="value"
              name="value"
              label={t('filter.value')}
              extra={t('filter.valueHint')}
              preserve={false}
              rules={[required]}
            >
              <Input maxLength={1000} autoComplete="off" />
            </Form.Item>
          )
        }
      </Form.Item>
    </FormDialog>
  )
}
