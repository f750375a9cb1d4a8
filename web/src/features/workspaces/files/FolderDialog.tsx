import { Form, Input } from 'antd'
import { useTranslation } from 'react-i18next'

import { api } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { FormDialog } from '../../../ui/FormDialog'
import { FILES, WORKSPACE } from '../addresses'
import { inFolder } from './paths'

interface Props {
  name: string
  /** Of the folder in which it is made. */
  path: string
  onDone: () => void
  onClose: () => void
}

export function FolderDialog({ name, path, onDone, onClose }: Props) {
  const { t } = useTranslation('workspaces')
  const { t: c } = useTranslation()
  const make = useChange(
    ({ folder }: { folder: string }) =>
      api.POST(`${FILES}/folder`, { params: { path: { name } }, body: { path: inFolder(path, folder.trim()) } }),
    { refreshes: [WORKSPACE], isQuiet: true, done: c('said.created'), onSuccess: onDone },
  )
  return (
    <FormDialog<{ folder: string }>
      title={t('newFolder')}
      isOpen
      onClose={onClose}
      initial={{ folder: '' }}
      onSave={make.mutateAsync}
      saveText={c('action.create')}
    >
      <Form.Item
        name="folder"
        label={c('word.name')}
        extra={t('newFolderHint')}
        rules={[{ required: true, whitespace: true, message: c('word.required') }]}
      >
        <Input autoFocus autoComplete="off" spellCheck={false} dir="auto" />
      </Form.Item>
    </FormDialog>
  )
}
