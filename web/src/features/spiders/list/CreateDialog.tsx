import { useNavigate } from '@tanstack/react-router'
import { Form, Input } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, dataOf } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { FormDialog } from '../../../ui/FormDialog'
import { DASHBOARD, PROJECTS, SPIDER_ALONE, SPIDERS } from '../addresses'
import { ProjectSelect } from './ProjectSelect'
import { TemplateChoice } from './TemplateChoice'

interface Fields {
  name: string
  project_id?: string
  template: string
  start_url?: string
}

interface Props {
  isOpen: boolean
  onClose: () => void
  /** The one that is looked at. */
  projectId?: string
}

/** A new spider; its files are looked at next. */
export function CreateDialog({ isOpen, onClose, projectId }: Props) {
  const { t } = useTranslation('spiders')
  const { t: c } = useTranslation()
  const navigate = useNavigate()
  const create = useChange(
    ({ name, project_id, template, start_url }: Fields) =>
      dataOf(
        api.POST(SPIDERS, {
          body: {
            name: name.trim(),
            project_id: project_id ?? null,
            template: template || null,
            start_url: start_url?.trim() || null,
          },
        }),
      ),
    {
      isQuiet: true,
      done: t('created'),
      refreshes: [...SPIDER_ALONE, PROJECTS, DASHBOARD],
      onSuccess: ({ id }) => void navigate({ to: '/spiders/$spiderId/files', params: { spiderId: id } }),
    },
  )
  return (
    <FormDialog<Fields>
      title={t('create')}
      isOpen={isOpen}
      onClose={onClose}
      initial={{ project_id: projectId, template: 'script' }}
      onSave={create.mutateAsync}
      saveText={c('action.create')}
    >
      <Form.Item
        name="name"
        label={c('word.name')}
        rules={[{ required: true, whitespace: true, message: c('word.required') }]}
      >
        <Input maxLength={255} autoComplete="off" dir="auto" autoFocus />
      </Form.Item>
      <Form.Item name="template" label={t('template')} htmlFor="">
        <TemplateChoice />
      </Form.Item>
      <Form.Item name="project_id" label={t('project')}>
        <ProjectSelect allowClear placeholder="default" />
      </Form.Item>
      <Form.Item name="start_url" label={t('startUrl')} extra={t('startUrlHint')}>
        <Input inputMode="url" maxLength={2000} placeholder="https://" autoComplete="off" />
      </Form.Item>
    </FormDialog>
  )
}
