import { useNavigate } from '@tanstack/react-router'
import { Form, Input, Select } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, dataOf, only, type Schemas } from '../../api/client'
import { useChange } from '../../api/useChange'
import { FormDialog } from '../../ui/FormDialog'
import { WORKSPACES } from './addresses'

interface Fields {
  name: string
  mode?: Schemas['WorkspaceMode']
}

interface Props {
  isOpen: boolean
  onClose: () => void
}

const MODES = ['persistent', 'ephemeral'] as const

/** One more workspace; it is looked at next. */
export function CreateDialog({ isOpen, onClose }: Props) {
  const { t } = useTranslation('workspaces')
  const { t: c } = useTranslation()
  const navigate = useNavigate()
  const create = useChange(
    ({ name, mode }: Fields) => dataOf(api.POST(WORKSPACES, { body: { name: name.trim(), mode: mode ?? null } })),
    {
      refreshes: [only(WORKSPACES)],
      isQuiet: true,
      done: c('said.created'),
      onSuccess: ({ name }) => void navigate({ to: '/workspaces/$name', params: { name } }),
    },
  )
  return (
    <FormDialog<Fields>
      title={t('create')}
      isOpen={isOpen}
      onClose={onClose}
      initial={{}}
      onSave={create.mutateAsync}
      saveText={c('action.create')}
    >
      <Form.Item
        name="name"
        label={c('word.name')}
        extra={t('nameHint')}
        rules={[{ required: true, whitespace: true, message: c('word.required') }]}
      >
        <Input maxLength={63} autoComplete="off" spellCheck={false} autoFocus />
      </Form.Item>
      <Form.Item name="mode" label={t('mode')} extra={t('modeHint')}>
        <Select
          allowClear
          placeholder={t('asServer')}
          options={MODES.map((value) => ({ value, label: t(`modes.${value}`) }))}
        />
      </Form.Item>
    </FormDialog>
  )
}
