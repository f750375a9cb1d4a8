import { Descriptions, Flex, Switch, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { api } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { count } from '../../../ui/format'
import { TimeText } from '../../../ui/TimeText'
import { useMay } from '../../session/profile'
import { INSTANCE, INSTANCES, type Instance } from '../addresses'
import { InstanceStatus } from '../InstanceStatus'

export function Facts({ instance }: { instance: Instance }) {
  const { t } = useTranslation('instances')
  const { t: c } = useTranslation()
  const env = Object.entries(instance.env)
  return (
    <Descriptions
      bordered
      size="small"
      column={1}
      items={[
        { key: 'status', label: c('word.status'), children: <InstanceStatus instance={instance} /> },
        {
          key: 'address',
          label: t('address'),
          children: (
            <Typography.Text copyable style={{ overflowWrap: 'anywhere' }}>
              {instance.url}
            </Typography.Text>
          ),
        },
        { key: 'public', label: t('public'), children: <PublicSwitch instance={instance} /> },
        { key: 'image', label: t('image'), children: <code>{instance.image}</code> },
        {
          key: 'command',
          label: t('command'),
          children: instance.command ? (
            <code style={{ overflowWrap: 'anywhere' }}>{instance.command.join(' ')}</code>
          ) : (
            t('ownCommand')
          ),
        },
        { key: 'ports', label: t('ports'), children: `127.0.0.1:${instance.port} → ${instance.container_port}` },
        {
          key: 'limits',
          label: t('limits'),
          children: t('limitsAre', { memory: instance.memory_mb, cpus: instance.cpus }),
        },
        {
          key: 'env',
          label: t('env'),
          children:
            env.length === 0 ? (
              c('word.none')
            ) : (
              <Flex vertical>
                {env.map(([name, value]) => (
                  <code key={name} style={{ overflowWrap: 'anywhere' }}>
                    {name}={value}
                  </code>
                ))}
              </Flex>
            ),
        },
        { key: 'started', label: t('startedAt'), children: <TimeText at={instance.started_at} isRelative /> },
        { key: 'used', label: t('lastUsed'), children: <TimeText at={instance.last_active_at} isRelative /> },
        { key: 'restarts', label: t('restarts'), children: count(instance.restarts) },
        { key: 'created', label: c('word.createdAt'), children: <TimeText at={instance.created_at} /> },
      ]}
    />
  )
}

function PublicSwitch({ instance: { prefix, public: isPublic } }: { instance: Instance }) {
  const { t } = useTranslation('instances')
  const mayChange = useMay('editor')
  const change = useChange((to: boolean) => api.PUT(INSTANCE, { params: { path: { prefix } }, body: { public: to } }), {
    refreshes: [INSTANCES],
  })
  return (
    <Flex gap="small" align="center" wrap>
      <Switch
        size="small"
        checked={isPublic}
        disabled={!mayChange}
        loading={change.isPending}
        aria-label={t('publicLabel', { prefix })}
        onChange={(to) => change.mutate(to)}
      />
      <Typography.Text type="secondary">{t(isPublic ? 'isPublic' : 'isPrivate')}</Typography.Text>
    </Flex>
  )
}
