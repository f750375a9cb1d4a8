import { Form, Input, InputNumber } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, type Schemas } from '../../api/client'
import { useChange } from '../../api/useChange'
import { FormDialog } from '../../ui/FormDialog'
import { DEFAULT_NAME, PROJECT, PROJECTS } from './addresses'

interface Fields {
  name: string
  description?: string
  max_concurrent?: number | null
}

interface Props {
  /** Null: a new one. */
  project: Schemas['Project'] | null
  isOpen: boolean
  onClose: () => void
}

const MOST_TASKS = 100_000

export function ProjectDialog({ project, isOpen, onClose }: Props) {
  const { t } = useTranslation('projects')
  const { t: c } = useTranslation()
  const isDefault = project?.name === DEFAULT_NAME
  const save = useChange(
    ({ name, description = '', max_concurrent = null }: Fields) => {
      const body = { name: name.trim(), description: description.trim(), max_concurrent }
      return project ? api.PUT(PROJECT, { params: { path: { id: project.id } }, body }) : api.POST(PROJECTS, { body })
    },
    { refreshes: [PROJECTS], isQuiet: true, done: c('said.saved') },
  )
  const initial: Partial<Fields> = project
    ? { name: project.name, description: project.description, max_concurrent: project.max_concurrent }
    : {}
  return (
    <FormDialog<Fields>
      title={t(project ? 'edit' : 'create')}
      isOpen={isOpen}
      onClose={onClose}
      initial={initial}
      isStored={project !== null}
      onSave={save.mutateAsync}
    >
      <Form.Item
        name="name"
        label={c('word.name')}
        extra={isDefault && t('defaultHint')}
        rules={[{ required: true, whitespace: true, message: c('word.required') }]}
      >
        <Input maxLength={255} disabled={isDefault} autoComplete="off" autoFocus={!isDefault} />
      </Form.Item>
      <Form.Item name="description" label={c('word.description')}>
        <Input.TextArea maxLength={2000} autoSize={{ minRows: 2, maxRows: 8 }} />
      </Form.Item>
      <Form.Item name="max_concurrent" label={t('most')} extra={t('mostHint')}>
        <InputNumber min={1} max={MOST_TASKS} precision={0} placeholder={t('noLimit')} style={{ width: 160 }} />
      </Form.Item>
    </FormDialog>
  )
}
