import { useNavigate } from '@tanstack/react-router'
import { Form, Input } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, dataOf, only } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { FormDialog } from '../../../ui/FormDialog'
import { PROJECTS } from '../addresses'

interface Props {
  projectId: string
  projectName: string
  /** Of the repository; empty: all of it. */
  folder: string
  isOpen: boolean
  onClose: () => void
}

const SPIDERS = '/platform/api/crawlhub/spiders'

/** A spider whose files are a folder of the repository. */
export function SpiderDialog({ projectId, projectName, folder, isOpen, onClose }: Props) {
  const { t } = useTranslation('projects')
  const { t: c } = useTranslation()
  const navigate = useNavigate()
  const create = useChange(
    ({ name }: { name: string }) =>
      dataOf(
        api.POST(SPIDERS, { body: { name: name.trim(), project_id: projectId, source: 'git', git_repo: folder } }),
      ),
    {
      refreshes: [only(SPIDERS), PROJECTS],
      isQuiet: true,
      done: c('said.created'),
      onSuccess: ({ id }) => void navigate({ to: '/spiders/$spiderId', params: { spiderId: id } }),
    },
  )
  return (
    <FormDialog<{ name: string }>
      title={t('git.newSpider')}
      isOpen={isOpen}
      onClose={onClose}
      initial={{ name: folder.split('/').at(-1) || projectName }}
      onSave={create.mutateAsync}
      saveText={c('action.create')}
    >
      <p>{folder ? t('git.ofFolder', { folder }) : t('git.ofAll')}</p>
      <Form.Item
        name="name"
        label={c('word.name')}
        rules={[{ required: true, whitespace: true, message: c('word.required') }]}
      >
        <Input maxLength={255} autoComplete="off" dir="auto" autoFocus />
      </Form.Item>
    </FormDialog>
  )
}
