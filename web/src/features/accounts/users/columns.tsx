import { CheckCircleOutlined, DeleteOutlined, EditOutlined, StopOutlined } from '@ant-design/icons'
import { Button, Flex, Tag, Tooltip, Typography, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, type Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { ConfirmButton } from '../../../ui/ConfirmButton'
import { TimeText } from '../../../ui/TimeText'
import { useProfile } from '../../session/profile'

type User = Schemas['User']

export function useUserColumns(onEdit: (user: User) => void): TableColumnsType<User> {
  const { t } = useTranslation('accounts')
  const { t: c } = useTranslation()
  const own = useProfile()
  return [
    {
      title: c('word.name'),
      render: (_, { id, name, email }) => (
        <Flex vertical>
          <Flex gap="small">
            <bdi>{name || email}</bdi>
            {id === own?.id && <Tag>{t('users.you')}</Tag>}
          </Flex>
          <Typography.Text type="secondary">
            <bdi>{email}</bdi>
          </Typography.Text>
        </Flex>
      ),
    },
    { title: t('users.role'), render: (_, { role }) => <Tag>{c(`role.${role}`)}</Tag> },
    { title: c('word.status'), render: (_, { is_active }) => <ActiveTag isActive={is_active} /> },
    {
      title: t('users.lastLogin'),
      render: (_, { last_login_at: at }) => (at ? <TimeText at={at} isRelative /> : c('time.never')),
    },
    { title: c('word.createdAt'), render: (_, { created_at }) => <TimeText at={created_at} /> },
    {
      title: c('word.actions'),
      render: (_, user) => (
        <Flex gap="small">
          <Tooltip title={c('action.edit')}>
            <Button
              size="small"
              icon={<EditOutlined />}
              aria-label={`${c('action.edit')} ${user.name}`}
              onClick={() => onEdit(user)}
            />
          </Tooltip>
          {user.id !== own?.id && <DeleteUser user={user} />}
        </Flex>
      ),
    },
  ]
}

function ActiveTag({ isActive }: { isActive: boolean }) {
  const { t } = useTranslation('accounts')
  return isActive ? (
    <Tag color="success" icon={<CheckCircleOutlined />}>
      {t('users.active')}
    </Tag>
  ) : (
    <Tag icon={<StopOutlined />}>{t('users.inactive')}</Tag>
  )
}

function DeleteUser({ user: { id, name, email } }: { user: User }) {
  const { t } = useTranslation('accounts')
  const { t: c } = useTranslation()
  const remove = useChange(() => api.DELETE('/platform/api/users/{id}', { params: { path: { id } } }), {
    refreshes: ['/platform/api/users'],
    done: c('said.deleted'),
  })
  return (
    <ConfirmButton
      size="small"
      icon={<DeleteOutlined />}
      aria-label={`${c('action.delete')} ${name}`}
      question={t('users.deleteOne', { name: name || email })}
      consequence={t('users.deleteHint')}
      loading={remove.isPending}
      onConfirm={() => remove.mutateAsync(undefined)}
    />
  )
}
