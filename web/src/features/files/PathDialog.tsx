import { Form, Input, Modal } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, dataOf } from '../../api/client'
import { ApiError } from '../../api/errors'
import { useChange } from '../../api/useChange'
import { ErrorAlert } from '../../ui/ErrorAlert'
import { FILES, type SpiderFile } from './address'

interface Props {
  spiderId: string
  /** What is to be renamed; a new file is made where there is none. */
  file: SpiderFile | null
  /** What stands in the field first. */
  path: string
  onDone: (path: string) => void
  onClose: () => void
}

/** Asks for the path of a new file, or for another path of one that is there. */
export function PathDialog({ spiderId, file, path, onDone, onClose }: Props) {
  const { t } = useTranslation('files')
  const { t: c } = useTranslation()
  const [form] = Form.useForm<{ path: string }>()
  const change = useChange(
    (to: string) => {
      const id = spiderId
      if (file === null) return dataOf(api.POST(`${FILES}/new`, { params: { path: { id } }, body: { path: to } }))
      const params = { path: { id, file_id: file.id } }
      return dataOf(api.PUT(`${FILES}/{file_id}`, { params, body: { path: to } }))
    },
    {
      refreshes: [FILES],
      isQuiet: true,
      onSuccess: (changed) => onDone(changed.path),
    },
  )
  const refusal = change.error instanceof ApiError ? change.error : null
  const atField = refusal?.details.find(({ loc }) => /path$/.test(loc))?.msg
  return (
    <Modal
      open
      title={t(file ? 'rename' : 'newFile')}
      okText={file ? c('action.save') : t('create')}
      cancelText={c('action.cancel')}
      confirmLoading={change.isPending}
      onOk={form.submit}
      onCancel={onClose}
    >
      <Form
        form={form}
        layout="vertical"
        initialValues={{ path }}
        onFinish={({ path: to }) => (to === file?.path ? onClose() : change.mutate(to))}
      >
        {change.isError && !atField && (
          <Form.Item>
            <ErrorAlert error={change.error} />
          </Form.Item>
        )}
        <Form.Item
          name="path"
          label={t('path')}
          extra={t('pathHint')}
          rules={[{ required: true, whitespace: true, message: c('word.required') }]}
          {...(atField ? { validateStatus: 'error', help: atField } : {})}
        >
          <Input autoFocus placeholder="src/parser.py" autoComplete="off" spellCheck={false} />
        </Form.Item>
      </Form>
    </Modal>
  )
}
