import { Form, Input, Modal, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, dataOf } from '../../api/client'
import { useChange } from '../../api/useChange'
import { ErrorAlert } from '../../ui/ErrorAlert'
import { CHANGED, VERSIONS } from './address'

interface Props {
  spiderId: string
  onClose: () => void
}

/** Makes the files as they are the next version, with a note. */
export function PublishDialog({ spiderId, onClose }: Props) {
  const { t } = useTranslation('versions')
  const { t: c } = useTranslation()
  const [form] = Form.useForm<{ deploy_note: string }>()
  const publish = useChange(
    (deploy_note: string) =>
      dataOf(api.POST(VERSIONS, { params: { path: { id: spiderId } }, body: { deploy_note: deploy_note.trim() } })),
    {
      refreshes: CHANGED,
      isQuiet: true,
      done: ({ version }) => t('published', { version }),
      onSuccess: onClose,
    },
  )
  return (
    <Modal
      open
      title={t('publish')}
      okText={t('publishNow')}
      cancelText={c('action.cancel')}
      confirmLoading={publish.isPending}
      onOk={form.submit}
      onCancel={onClose}
    >
      <Typography.Paragraph type="secondary">{t('publishHint')}</Typography.Paragraph>
      <Form
        form={form}
        layout="vertical"
        initialValues={{ deploy_note: '' }}
        onFinish={({ deploy_note }) => publish.mutate(deploy_note)}
      >
        {publish.isError && (
          <Form.Item>
            <ErrorAlert error={publish.error} />
          </Form.Item>
        )}
        <Form.Item name="deploy_note" label={t('note')}>
          <Input.TextArea autoFocus rows={3} maxLength={500} showCount placeholder={t('notePlaceholder')} />
        </Form.Item>
      </Form>
    </Modal>
  )
}
