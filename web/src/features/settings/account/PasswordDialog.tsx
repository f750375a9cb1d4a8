import { Form, Input, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, type Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { FormDialog } from '../../../ui/FormDialog'

type Fields = Schemas['PasswordChange'] & { again: string }

interface Props {
  isOpen: boolean
  onClose: () => void
}

export function PasswordDialog({ isOpen, onClose }: Props) {
  const { t } = useTranslation('settings')
  const { t: c } = useTranslation()
  const change = useChange(
    ({ old_password, new_password }: Fields) =>
      api.PUT('/platform/api/account/password', { body: { old_password, new_password } }),
    { isQuiet: true, done: t('password.changed') },
  )
  const required = { required: true, message: c('word.required') }
  return (
    <FormDialog<Fields>
      title={t('password.title')}
      isOpen={isOpen}
      onClose={onClose}
      initial={{}}
      onSave={change.mutateAsync}
      saveText={t('password.change')}
    >
      <Form.Item name="old_password" label={t('password.old')} rules={[required]}>
        <Input.Password autoComplete="current-password" />
      </Form.Item>
      <Form.Item
        name="new_password"
        label={t('password.new')}
        extra={t('password.rule')}
        rules={[required, { min: 8, max: 256, message: t('password.rule') }]}
      >
        <Input.Password autoComplete="new-password" />
      </Form.Item>
      <Form.Item
        name="again"
        label={t('password.again')}
        dependencies={['new_password']}
        rules={[
          required,
          ({ getFieldValue }) => ({
            validator: (_, value) =>
              !value || value === getFieldValue('new_password')
                ? Promise.resolve()
                : Promise.reject(new Error(t('password.differs'))),
          }),
        ]}
      >
        <Input.Password autoComplete="new-password" />
      </Form.Item>
      <Typography.Paragraph type="secondary">{t('password.effect')}</Typography.Paragraph>
    </FormDialog>
  )
}
