import { Button, Flex, Tag, Typography, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import { TimeText } from '../../../ui/TimeText'
import { useUserNames } from '../../codeSessions/names'
import { useMay } from '../../session/profile'
import { InstanceActions } from '../actions'
import type { Instance } from '../addresses'
import { InstanceStatus } from '../InstanceStatus'
import { troubleOf } from '../life'

export function useColumns(instances: Instance[], onShow: (prefix: string) => void): TableColumnsType<Instance> {
  const { t } = useTranslation('instances')
  const { t: c } = useTranslation()
  // Who is no administrator sees only those of their own.
  const isAdmin = useMay('admin')
  const users = useUserNames(isAdmin ? instances.map(({ user_id }) => user_id) : [])
  return [
    {
      title: t('prefix'),
      render: (_, instance) => (
        <Flex vertical align="start" style={{ maxWidth: 360 }}>
          <Flex gap="small" align="center">
            <Button
              type="link"
              size="small"
              style={{ padding: 0 }}
              aria-label={t('showLabel', { prefix: instance.prefix })}
              onClick={() => onShow(instance.prefix)}
            >
              {instance.prefix}
            </Button>
            {instance.public && <Tag>{t('public')}</Tag>}
          </Flex>
          <Trouble instance={instance} />
        </Flex>
      ),
    },
    { title: c('word.status'), render: (_, instance) => <InstanceStatus instance={instance} /> },
    {
      title: t('address'),
      render: (_, { url }) => (
        <Typography.Text copyable style={{ overflowWrap: 'anywhere' }}>
          {url}
        </Typography.Text>
      ),
    },
    { title: t('image'), render: (_, { image }) => <code>{image}</code> },
    ...(isAdmin
      ? [{ title: t('owner'), render: (_: unknown, { user_id }: Instance) => <bdi>{users.get(user_id) ?? '…'}</bdi> }]
      : []),
    { title: t('lastUsed'), render: (_, { last_active_at }) => <TimeText at={last_active_at} isRelative /> },
    {
      title: c('word.actions'),
      render: (_, instance) => (
        <Flex gap="small">
          <InstanceActions instance={instance} size="small" />
        </Flex>
      ),
    },
  ]
}

function Trouble({ instance }: { instance: Instance }) {
  const trouble = troubleOf(instance)
  return (
    trouble && (
      <Typography.Text type="danger" style={{ whiteSpace: 'normal', overflowWrap: 'anywhere' }}>
        {trouble.reason}
      </Typography.Text>
    )
  )
}
