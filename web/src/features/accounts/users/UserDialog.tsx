import { Form, Input, Switch } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, type Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { FormDialog } from '../../../ui/FormDialog'
import { useProfile } from '../../session/profile'
import { RoleChoice } from '../RoleChoice'

interface Fields {
  email: string
  name?: string
  role: Schemas['Role']
  is_active: boolean
  password?: string
}

interface Props {
  /** Null: a new one. */
  user: Schemas['User'] | null
  isOpen: boolean
  onClose: () => void
}

export function UserDialog({ user, isOpen, onClose }: Props) {
  const { t } = useTranslation('accounts')
  const { t: c } = useTranslation()
  const own = useProfile()
  const isOwn = user !== null && user.id === own?.id
  const save = useChange(
    ({ email, name, role, is_active, password }: Fields) =>
      user
        ? api.PUT('/platform/api/users/{id}', {
            params: { path: { id: user.id } },
            // What one has of one's own account is not sent, not even as it is.
            body: { name: name?.trim(), ...(isOwn ? {} : { role, is_active, password: password || null }) },
          })
        : api.POST('/platform/api/users', {
            body: { email: email.trim(), name: name?.trim() || null, role, password: password ?? '' },
          }),
    { refreshes: ['/platform/api/users', '/platform/api/account/profile'], isQuiet: true, done: c('said.saved') },
  )
  const initial: Partial<Fields> = user
    ? { email: user.email, name: user.name, role: user.role, is_active: user.is_active }
    : { role: 'viewer', is_active: true }
  return (
    <FormDialog<Fields>
      title={t(user ? 'users.edit' : 'users.create')}
      isOpen={isOpen}
      onClose={onClose}
      initial={initial}
      isStored={user !== null}
      onSave={save.mutateAsync}
    >
      <Form.Item
        name="email"
        label={t('users.email')}
        rules={[
          { required: true, whitespace: true, message: c('word.required') },
          { pattern: /^\s*[^@\s]+@[^@]+\s*$/, message: t('users.emailInvalid') },
        ]}
      >
        <Input type="text" inputMode="email" autoComplete="off" maxLength={254} disabled={user !== null} />
      </Form.Item>
      <Form.Item
        name="name"
        label={c('word.name')}
        extra={user ? undefined : t('users.nameHint')}
        rules={user ? [{ required: true, whitespace: true, message: c('word.required') }] : []}
      >
        <Input maxLength={100} autoComplete="off" />
      </Form.Item>
      <Form.Item name="role" label={t('users.role')} extra={isOwn && t('users.ownHint')}>
        <RoleChoice disabled={isOwn} />
      </Form.Item>
      {user && !isOwn && (
        <Form.Item name="is_active" label={t('users.isActive')} valuePropName="checked" extra={t('users.inactiveHint')}>
          <Switch />
        </Form.Item>
      )}
      {isOwn ? (
        t('users.ownPasswordHint')
      ) : (
        <Form.Item
          name="password"
          label={t(user ? 'users.newPassword' : 'users.password')}
          extra={user ? t('users.newPasswordHint') : t('users.passwordRule')}
          rules={[
            { required: user === null, message: c('word.required') },
            { min: 8, max: 256, message: t('users.passwordRule') },
          ]}
        >
          <Input.Password autoComplete="new-password" />
        </Form.Item>
      )}
    </FormDialog>
  )
}
