import { Button, Checkbox, Form, Input } from 'antd'
import { useTranslation } from 'react-i18next'

import { api } from '../../api/client'
import { tellTabs } from '../../api/tabs'
import { useChange } from '../../api/useChange'
import { ErrorAlert } from '../../ui/ErrorAlert'

interface Props {
  /** Who was signed in before. */
  email?: string
  onSignedIn: () => void
}

interface Fields {
  email: string
  password: string
  remember_me: boolean
}

export function SignInForm({ email, onSignedIn }: Props) {
  const { t } = useTranslation()
  const signIn = useChange((body: Fields) => api.POST('/platform/api/login', { body }), {
    isQuiet: true,
    onSuccess: () => {
      tellTabs({ session: 'begun' })
      onSignedIn()
    },
  })
  const rules = [{ required: true, message: t('word.required') }]
  return (
    <Form<Fields>
      layout="vertical"
      requiredMark={false}
      initialValues={{ email, remember_me: true }}
      onFinish={(fields) => signIn.mutate(fields)}
    >
      {signIn.isError && (
        <Form.Item>
          <ErrorAlert error={signIn.error} />
        </Form.Item>
      )}
      <Form.Item name="email" label={t('session.email')} rules={rules}>
        <Input type="text" inputMode="email" autoComplete="username" autoFocus={!email} size="large" />
      </Form.Item>
      <Form.Item name="password" label={t('session.password')} rules={rules}>
        <Input.Password autoComplete="current-password" autoFocus={!!email} size="large" />
      </Form.Item>
      <Form.Item name="remember_me" valuePropName="checked">
        <Checkbox>{t('session.remember')}</Checkbox>
      </Form.Item>
      <Button type="primary" htmlType="submit" size="large" block loading={signIn.isPending}>
        {t('session.signIn')}
      </Button>
    </Form>
  )
}
