import { DeleteOutlined } from '@ant-design/icons'
import { Tag, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, type Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { ConfirmButton } from '../../../ui/ConfirmButton'
import { TimeText } from '../../../ui/TimeText'

type Token = Schemas['ApiToken']

export function useTokenColumns(): TableColumnsType<Token> {
  const { t } = useTranslation('accounts')
  const { t: c } = useTranslation()
  return [
    { title: c('word.name'), render: (_, { name }) => <bdi>{name}</bdi> },
    { title: t('users.role'), render: (_, { role }) => <Tag>{c(`role.${role}`)}</Tag> },
    { title: t('tokens.expires'), render: (_, { expires_at }) => <Expiry at={expires_at} /> },
    {
      title: t('tokens.lastUsed'),
      render: (_, { last_used_at: at }) => (at ? <TimeText at={at} isRelative /> : t('tokens.unused')),
    },
    { title: c('word.createdAt'), render: (_, { created_at }) => <TimeText at={created_at} /> },
    { title: c('word.actions'), render: (_, token) => <DeleteToken token={token} /> },
  ]
}

function Expiry({ at }: { at: string | null | undefined }) {
  const { t } = useTranslation('accounts')
  if (!at) return t('tokens.never')
  return (
    <>
      <TimeText at={at} /> {new Date(at) <= new Date() && <Tag color="warning">{t('tokens.expired')}</Tag>}
    </>
  )
}

function DeleteToken({ token: { id, name } }: { token: Token }) {
  const { t } = useTranslation('accounts')
  const { t: c } = useTranslation()
  const remove = useChange(() => api.DELETE('/platform/api/tokens/{id}', { params: { path: { id } } }), {
    refreshes: ['/platform/api/tokens'],
    done: c('said.deleted'),
  })
  return (
    <ConfirmButton
      size="small"
      icon={<DeleteOutlined />}
      question={t('tokens.deleteOne', { name })}
      consequence={t('tokens.deleteHint')}
      loading={remove.isPending}
      onConfirm={() => remove.mutateAsync(undefined)}
    >
      {c('action.delete')}
    </ConfirmButton>
  )
}
