import { useQuery } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { Form, Input, Select } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, dataOf, get } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { FormDialog } from '../../../ui/FormDialog'
import { ProjectSelect } from './ProjectSelect'

interface Fields {
  name: string
  project_id?: string
  template?: string
  start_url?: string
  description?: string
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
  const router = useRouter()
  const templates = useQuery({
    ...get('/platform/api/crawlhub/spiders/templates'),
    staleTime: Infinity,
    enabled: isOpen,
  })
  const create = useChange(
    ({ name, project_id, template, start_url, description }: Fields) =>
      dataOf(
        api.POST('/platform/api/crawlhub/spiders', {
          body: {
            name,
            ...(project_id ? { project_id } : {}),
            ...(template ? { template } : {}),
            ...(start_url ? { start_url } : {}),
            ...(description ? { description } : {}),
          },
        }),
      ),
    {
      isQuiet: true,
      done: t('created'),
      refreshes: [
        '/platform/api/crawlhub/spiders',
        '/platform/api/crawlhub/projects',
        '/platform/api/crawlhub/dashboard',
      ],
      onSuccess: ({ id }) => void router.navigate({ to: '/spiders/$spiderId/files', params: { spiderId: id } }),
    },
  )
  const named = (name: string) => {
    if (name === 'script' || name === 'async' || name === 'scrapy') return t(`templates.${name}`)
    return name
  }
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
        <Input maxLength={255} autoComplete="off" dir="auto" />
      </Form.Item>
      <Form.Item name="template" label={t('template')}>
        <Select
          loading={templates.isPending}
          options={[
            ...(templates.data ?? []).map(({ name }) => ({ value: name, label: named(name) })),
            { value: '', label: t('noTemplate') },
          ]}
        />
      </Form.Item>
      <Form.Item name="project_id" label={t('project')}>
        <ProjectSelect allowClear placeholder="default" />
      </Form.Item>
      <Form.Item name="start_url" label={t('startUrl')} extra={t('startUrlHint')}>
        <Input type="url" placeholder="https://" autoComplete="off" />
      </Form.Item>
      <Form.Item name="description" label={c('word.description')}>
        <Input.TextArea autoSize={{ minRows: 2 }} dir="auto" />
      </Form.Item>
    </FormDialog>
  )
}
