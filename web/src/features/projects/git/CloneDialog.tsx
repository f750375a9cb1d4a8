import { Form, Input } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, dataOf } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { FormDialog } from '../../../ui/FormDialog'
import { NodeField } from '../../nodes/NodeField'
import { PROJECTS } from '../addresses'
import { accessOf, type AccessFields } from './access'
import { RepositoryFields } from './RepositoryFields'

interface Fields extends AccessFields {
  name: string
  git_url: string
  git_branch?: string
  node_id?: string
}

interface Props {
  isOpen: boolean
  onClose: () => void
  /** How far it is is looked at next. */
  onCloned: (id: string) => void
}

/** A project of a repository. */
export function CloneDialog({ isOpen, onClose, onCloned }: Props) {
  const { t } = useTranslation('projects')
  const { t: c } = useTranslation()
  const clone = useChange(
    (fields: Fields) => {
      const { git_token, git_key } = accessOf(fields)
      const body = {
        name: fields.name.trim(),
        git_url: fields.git_url.trim(),
        git_branch: fields.git_branch?.trim() || null,
        git_token: git_token || null,
        git_key: git_key || null,
        node_id: fields.node_id ?? null,
      }
      return dataOf(api.POST(`${PROJECTS}/clone`, { body }))
    },
    { refreshes: [PROJECTS], isQuiet: true, onSuccess: ({ id }) => onCloned(id) },
  )
  return (
    <FormDialog<Fields>
      title={t('git.clone')}
      isOpen={isOpen}
      onClose={onClose}
      initial={{ access: 'none' }}
      onSave={clone.mutateAsync}
      saveText={t('git.fetch')}
    >
      <Form.Item
        name="name"
        label={c('word.name')}
        rules={[{ required: true, whitespace: true, message: c('word.required') }]}
      >
        <Input maxLength={255} autoComplete="off" autoFocus />
      </Form.Item>
      <RepositoryFields ways={['none', 'token', 'key']} isRequired />
      <NodeField name="node_id" label={t('git.node')} extra={t('git.nodeHint')} placeholder={t('git.here')} />
    </FormDialog>
  )
}
