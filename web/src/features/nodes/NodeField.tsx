import { useQuery } from '@tanstack/react-query'
import { Form, Select } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import { allNodes } from './addresses'

interface Props {
  /** Of the field in the form. */
  name: string
  label: string
  extra?: ReactNode
  /** What holds where none is chosen. */
  placeholder: string
}

/** One of the nodes, in a form; not shown where there are none and none is chosen. */
export function NodeField({ name, label, extra, placeholder }: Props) {
  const { t } = useTranslation('nodes')
  const nodes = useQuery(allNodes()).data?.items ?? []
  const chosen: unknown = Form.useWatch(name)
  if (nodes.length === 0 && !chosen) return null
  return (
    <Form.Item name={name} label={label} extra={extra}>
      <Select
        allowClear
        placeholder={placeholder}
        options={nodes.map((node) => ({
          value: node.id,
          label:
            node.status === 'online' ? node.name : t('named', { name: node.name, status: t(`status.${node.status}`) }),
        }))}
      />
    </Form.Item>
  )
}
