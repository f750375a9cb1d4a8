import { Form, Input, InputNumber, Select } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, dataOf } from '../../api/client'
import { useChange } from '../../api/useChange'
import { FormDialog } from '../../ui/FormDialog'
import { NODE, NODES, type Node } from './addresses'
import type { ShowToken } from './NodeActions'

interface Fields {
  name: string
  hostname?: string
  labels: string[]
  slots?: number | null
}

interface Props {
  /** Null: a new one. */
  node: Node | null
  isOpen: boolean
  onClose: () => void
  onToken: ShowToken
}

const MOST_SLOTS = 1000

export function NodeDialog({ node, isOpen, onClose, onToken }: Props) {
  const { t } = useTranslation('nodes')
  const { t: c } = useTranslation()
  const save = useChange(
    async ({ name, hostname = '', labels, slots = null }: Fields) => {
      const body = { hostname: hostname.trim(), labels, slots }
      if (node) {
        await api.PUT(NODE, { params: { path: { id: node.id } }, body })
        return null
      }
      return dataOf(api.POST(NODES, { body: { name: name.trim(), ...body } }))
    },
    {
      refreshes: [NODES],
      isQuiet: true,
      onSuccess: (made) => {
        if (made) onToken(made)
      },
    },
  )
  const initial: Partial<Fields> = node
    ? { name: node.name, hostname: node.hostname, labels: node.labels, slots: node.slots }
    : { labels: [] }
  return (
    <FormDialog<Fields>
      title={node ? t('edit', { name: node.name }) : t('create')}
      isOpen={isOpen}
      onClose={onClose}
      initial={initial}
      isStored={node !== null}
      onSave={save.mutateAsync}
      saveText={node ? undefined : c('action.add')}
    >
      <Form.Item
        name="name"
        label={c('word.name')}
        extra={t('nameHint')}
        rules={[{ required: true, whitespace: true, message: c('word.required') }]}
      >
        <Input maxLength={63} disabled={node !== null} autoComplete="off" spellCheck={false} />
      </Form.Item>
      <Form.Item name="hostname" label={t('hostname')} extra={t('hostnameHint')}>
        <Input maxLength={253} autoComplete="off" spellCheck={false} />
      </Form.Item>
      <Form.Item name="labels" label={t('labels')} extra={t('labelsHint')}>
        <Select mode="tags" tokenSeparators={[',', ' ']} open={false} suffix={null} />
      </Form.Item>
      <Form.Item name="slots" label={t('slots')} extra={t('slotsHint')}>
        <InputNumber min={0} max={MOST_SLOTS} precision={0} placeholder={t('asAgent')} style={{ width: 200 }} />
      </Form.Item>
    </FormDialog>
  )
}
