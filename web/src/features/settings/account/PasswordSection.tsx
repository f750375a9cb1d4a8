import { Button, Form, Input, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, type Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { ErrorAlert } from '../../../ui/ErrorAlert'
import { useFormSave } from '../../../ui/useFormSave'
import { Section } from '../Section'

type Fields = Schemas['PasswordChange'] & { again: string }

export function PasswordSection() {
  const { t } = useTranslation('settings')
  const { t: c } = useTranslation()
  const [form] = Form.useForm<Fields>()
  const change = useChange(
    ({ old_password, new_password }: Fields) =>
      api.PUT('/platform/api/account/password', { body: { old_password, new_password } }),
    { isQuiet: true, done: t('password.changed') },
  )
  const { save, isSaving, error } = useFormSave(form, change.mutateAsync)
  const finish = async (fields: Fields) => {
    if (await save(fields)) form.resetFields()
  }
  const required = { required: true, message: c('word.required') }
  return (
    <Section title={t('password.title')}>
      <Form<Fields> form={form} name="password" layout="vertical" requiredMark={false} onFinish={finish}>
        {error !== null && (
          <Form.Item>
            <ErrorAlert error={error} />
          </Form.Item>
        )}
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
        <Button type="primary" htmlType="submit" loading={isSaving}>
          {t('password.change')}
        </Button>
      </Form>
    </Section>
  )
}
