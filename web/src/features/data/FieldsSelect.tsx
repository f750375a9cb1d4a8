import { Flex, Select, Typography, type SelectProps } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import { percent } from './percent'
import type { Field } from './types'

interface Option {
  value: string
  label: ReactNode
  filled: number
}

interface Props extends Pick<SelectProps<string[]>, 'id' | 'value' | 'onChange' | 'placeholder' | 'style'> {
  fields: Field[]
}

/** Some of the fields, in the order in which they are chosen. */
export function FieldsSelect({ fields, ...select }: Props) {
  const { t } = useTranslation('data')
  return (
    <Select<string[], Option>
      mode="multiple"
      allowClear
      aria-label={t('fields.choose')}
      {...select}
      options={fields.map(({ name, filled }) => ({ value: name, label: <bdi>{name}</bdi>, filled }))}
      optionRender={({ label, data }) => (
        <Flex justify="space-between" gap="small">
          {label}
          <Typography.Text type="secondary">{percent(data.filled)}</Typography.Text>
        </Flex>
      )}
    />
  )
}
