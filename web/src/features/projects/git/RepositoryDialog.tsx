import { Checkbox, Form } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, type Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { FormDialog } from '../../../ui/FormDialog'
import { PROJECT, PROJECTS } from '../addresses'
import { accessOf, type AccessFields } from './access'
import { RepositoryFields } from './RepositoryFields'

interface Fields extends AccessFields {
  git_url?: string
  git_branch?: string
  forget_host_key: boolean
}

interface Props {
  project: Schemas['Project']
  isOpen: boolean
  onClose: () => void
}

/** Gives a project another repository, branch or way in; or its first one. */
export function RepositoryDialog({ project, isOpen, onClose }: Props) {
  const { t } = useTranslation('projects')
  const { t: c } = useTranslation()
  const save = useChange(
    (fields: Fields) =>
      api.PUT(PROJECT, {
        params: { path: { id: project.id } },
        body: {
          git_url: fields.git_url?.trim() ?? '',
          git_branch: fields.git_branch?.trim() ?? '',
          ...accessOf(fields),
          ...(fields.forget_host_key ? { forget_host_key: true } : {}),
        },
      }),
    { refreshes: [PROJECTS], isQuiet: true, done: c('said.saved') },
  )
  const isKept = project.has_git_token || project.has_git_key
  return (
    <FormDialog<Fields>
      title={t('git.settingsOf', { name: project.name })}
      isOpen={isOpen}
      onClose={onClose}
      initial={{
        git_url: project.git_url ?? '',
        git_branch: project.git_branch ?? '',
        access: isKept ? 'keep' : 'none',
        forget_host_key: false,
      }}
      onSave={save.mutateAsync}
    >
      <RepositoryFields ways={isKept ? ['keep', 'none', 'token', 'key'] : ['none', 'token', 'key']} />
      <Form.Item name="forget_host_key" valuePropName="checked" extra={t('git.forgetHint')}>
        <Checkbox>{t('git.forget')}</Checkbox>
      </Form.Item>
    </FormDialog>
  )
}
