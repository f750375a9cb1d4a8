import { DeleteOutlined, EditOutlined } from '@ant-design/icons'
import { Button, Flex, Tag, Tooltip, Typography, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, type Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { ConfirmButton } from '../../../ui/ConfirmButton'
import { useMay } from '../../session/profile'
import { CHANNELS_PATH, DELIVERIES, RULES_PATH } from '../addresses'
import { EnabledSwitch } from '../EnabledSwitch'
import { readConfig, targetOf } from './config'
import { TestButton } from './TestButton'

type Channel = Schemas['Channel']

export function useChannelColumns(onEdit: (channel: Channel) => void): TableColumnsType<Channel> {
  const { t } = useTranslation('alerts')
  const { t: c } = useTranslation()
  const isEditor = useMay('editor')
  const columns: TableColumnsType<Channel> = [
    { title: c('word.name'), render: (_, { name }) => <bdi>{name}</bdi> },
    { title: t('channels.type'), render: (_, { channel_type }) => t(`channelType.${channel_type}`) },
    { title: t('channels.target'), render: (_, channel) => <TargetCell channel={channel} /> },
    {
      title: c('word.status'),
      render: (_, { id, name, is_enabled }) => (
        <EnabledSwitch
          isEnabled={is_enabled}
          label={t('channels.toggle', { name })}
          refreshes={[CHANNELS_PATH]}
          onSwitch={(to) => api.PUT(`${CHANNELS_PATH}/{id}`, { params: { path: { id } }, body: { is_enabled: to } })}
        />
      ),
    },
  ]
  if (!isEditor) return columns
  return [
    ...columns,
    {
      title: c('word.actions'),
      render: (_, channel) => (
        <Flex gap="small">
          <TestButton channel={channel} />
          <Tooltip title={c('action.edit')}>
            <Button
              size="small"
              icon={<EditOutlined />}
              aria-label={c('action.edit')}
              onClick={() => onEdit(channel)}
            />
          </Tooltip>
          <DeleteChannel channel={channel} />
        </Flex>
      ),
    },
  ]
}

function TargetCell({ channel }: { channel: Channel }) {
  const { t } = useTranslation('alerts')
  const config = readConfig(channel.config)
  const target = targetOf(config)
  if (target === null) return <Typography.Text type="danger">{t('channels.unreadable')}</Typography.Text>
  return (
    <Flex gap="small" align="center" style={{ maxWidth: 420, whiteSpace: 'normal', overflowWrap: 'anywhere' }}>
      <bdi>{target}</bdi>
      {'secret' in config && <Tag>{t('channels.signed')}</Tag>}
    </Flex>
  )
}

function DeleteChannel({ channel: { id, name } }: { channel: Channel }) {
  const { t } = useTranslation('alerts')
  const { t: c } = useTranslation()
  const remove = useChange(() => api.DELETE(`${CHANNELS_PATH}/{id}`, { params: { path: { id } } }), {
    refreshes: [CHANNELS_PATH, DELIVERIES, RULES_PATH],
    done: c('said.deleted'),
  })
  return (
    <ConfirmButton
      size="small"
      icon={<DeleteOutlined />}
      question={t('channels.deleteOne', { name })}
      consequence={t('channels.deleteHint')}
      loading={remove.isPending}
      aria-label={c('action.delete')}
      onConfirm={() => remove.mutateAsync(undefined)}
    />
  )
}
