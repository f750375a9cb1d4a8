import { WarningOutlined } from '@ant-design/icons'
import { Link } from '@tanstack/react-router'
import { Flex, Typography, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, dataOf } from '../../api/client'
import { ConfirmButton } from '../../ui/ConfirmButton'

import { TimeText } from '../../ui/TimeText'
import { clock } from './clock'
import { EDITORS, isActive, type CodeSession } from './session'
import { SessionStatus } from './SessionStatus'
import { useClosing } from './useClosing'

interface Names {
  spiders: Map<string, string>
  users: Map<string, string>
}

export function useColumns({ spiders, users }: Names): TableColumnsType<CodeSession> {
  const { t } = useTranslation('codeSessions')
  const { t: c } = useTranslation()
  const nameOf = (names: Map<string, string>, id: string) => names.get(id) ?? id.slice(-8)
  return [
    {
      title: c('word.spider'),
      render: (_, { spider_id }) => (
        <Link to="/spiders/$spiderId" params={{ spiderId: spider_id }}>
          <bdi>{nameOf(spiders, spider_id)}</bdi>
        </Link>
      ),
    },
    { title: t('column.user'), render: (_, { user_id }) => <bdi>{nameOf(users, user_id)}</bdi> },
    {
      title: t('column.status'),
      render: (_, { status, end_reason }) => (
        <Flex vertical gap={2} align="start">
          <SessionStatus status={status} />
          {end_reason && <Typography.Text type="secondary">{reasonText(t, end_reason)}</Typography.Text>}
        </Flex>
      ),
    },
    { title: t('column.opened'), render: (_, { created_at }) => <TimeText at={created_at} isRelative /> },
    { title: t('column.lastActive'), render: (_, { last_active_at }) => <TimeText at={last_active_at} isRelative /> },
    {
      title: t('column.expires'),
      render: (_, session) => (isActive(session) ? <TimeText at={session.expires_at} isRelative /> : '—'),
    },
    { title: t('column.saved'), render: (_, { synced_at }) => <TimeText at={synced_at} isRelative /> },
    { title: t('column.trouble'), width: 280, render: (_, session) => <Trouble session={session} /> },
    {
      title: c('word.actions'),
      render: (_, session) =>
        isActive(session) && (
          <CloseButton
            session={session}
            spider={nameOf(spiders, session.spider_id)}
            user={nameOf(users, session.user_id)}
          />
        ),
    },
  ]
}

const REASONS = ['closed', 'idle', 'expired', 'crashed', 'spider_gone', 'user_gone'] as const

function reasonText(t: ReturnType<typeof useTranslation<'codeSessions'>>['t'], reason: string): string {
  const known = REASONS.find((word) => word === reason)
  return known ? t(`reason.${known}`) : reason
}

function Trouble({ session: { warning, sync_error, error_message } }: { session: CodeSession }) {
  const { t } = useTranslation('codeSessions')
  const said = [
    warning && t(warning.reason === 'idle' ? 'warning.idle' : 'warning.expired', { at: clock(warning.at) }),
    sync_error && `${t('syncFailed')}: ${sync_error}`,
    error_message,
  ].filter(Boolean)
  if (said.length === 0) return '—'
  return (
    <Flex vertical gap={2} style={{ maxWidth: 360, whiteSpace: 'normal', overflowWrap: 'anywhere' }}>
      {said.map((line) => (
        <Typography.Text key={line} type={warning ? undefined : 'danger'}>
          <WarningOutlined /> {line}
        </Typography.Text>
      ))}
    </Flex>
  )
}

interface CloseProps {
  session: CodeSession
  spider: string
  user: string
}

function CloseButton({ session, spider, user }: CloseProps) {
  const { t } = useTranslation('codeSessions')
  const closing = useClosing((force) => {
    const params = { path: { session_id: session.id }, query: { force } }
    return dataOf(api.DELETE(`${EDITORS}/{session_id}`, { params }))
  })
  return (
    <ConfirmButton
      size="small"
      question={t('closeOne', { spider, user })}
      consequence={t('closeHint')}
      confirmText={t('close')}
      disabled={session.status === 'syncing'}
      loading={closing.isClosing}
      onConfirm={closing.close}
    >
      {t('close')}
    </ConfirmButton>
  )
}
