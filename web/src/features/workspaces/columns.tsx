import { Link } from '@tanstack/react-router'
import { Flex, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import { bytes, count } from '../../ui/format'
import { TimeText } from '../../ui/TimeText'
import { PurgeButton, StopButton } from './actions'
import type { Sandbox } from './addresses'
import { MIB } from './usage'
import { WorkspaceStatus } from './WorkspaceStatus'

export function useColumns(): TableColumnsType<Sandbox> {
  const { t } = useTranslation('workspaces')
  const { t: c } = useTranslation()
  return [
    {
      title: c('word.name'),
      render: (_, { name }) => (
        <Link to="/workspaces/$name" params={{ name }}>
          <bdi>{name}</bdi>
        </Link>
      ),
    },
    { title: c('word.status'), render: (_, { status }) => <WorkspaceStatus status={status} /> },
    {
      title: t('disk'),
      align: 'right',
      render: (_, { usage, limits }) => t('of', { used: bytes(usage.bytes), most: bytes(limits.disk_mb * MIB) }),
    },
    {
      title: t('memory'),
      align: 'right',
      render: (_, { usage, limits }) =>
        usage.memory_bytes == null
          ? '—'
          : t('of', { used: bytes(usage.memory_bytes), most: bytes(limits.memory_mb * MIB) }),
    },
    { title: t('commands'), align: 'right', render: (_, { usage }) => count(usage.commands) },
    { title: t('terminals'), align: 'right', render: (_, { usage }) => count(usage.terminals) },
    { title: t('lastUsed'), render: (_, { last_used_at }) => <TimeText at={last_used_at} isRelative /> },
    {
      title: c('word.actions'),
      render: (_, workspace) => (
        <Flex gap="small">
          <StopButton workspace={workspace} size="small" />
          <PurgeButton workspace={workspace} size="small" />
        </Flex>
      ),
    },
  ]
}
