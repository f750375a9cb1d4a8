import { Form, Input, Select, Switch } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, type Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { FormDialog } from '../../../ui/FormDialog'
import { CHANNELS_PATH } from '../addresses'
import { FieldsForm } from '../fields/FieldsForm'
import { MASK, toSent, toShown, type Values } from '../fields/field'
import { readConfig } from './config'
import { CHANNEL_TYPES, CHANNELS, type ChannelType } from './kinds'

interface Fields {
  name: string
  channel_type: ChannelType
  config: Values
  is_enabled: boolean
}

interface Props {
  /** Null: a new one. */
  channel: Schemas['Channel'] | null
  isOpen: boolean
  onClose: () => void
}

export function ChannelDialog({ channel, isOpen, onClose }: Props) {
  const { t } = useTranslation('alerts')
  const { t: c } = useTranslation()
  const save = useChange(
    ({ config, ...fields }: Fields) => {
      const body = { ...fields, config: toSent(CHANNELS[fields.channel_type], config) }
      return channel
        ? api.PUT(`${CHANNELS_PATH}/{id}`, { params: { path: { id: channel.id } }, body })
        : api.POST(CHANNELS_PATH, { body })
    },
    { refreshes: [CHANNELS_PATH], isQuiet: true, done: c('said.saved') },
  )
  const before = channel ? readConfig(channel.config) : {}
  const initial: Fields = {
    name: channel?.name ?? '',
    channel_type: channel?.channel_type ?? 'webhook',
    config: toShown(CHANNELS[channel?.channel_type ?? 'webhook'], before),
    is_enabled: channel?.is_enabled ?? true,
  }
  return (
    <FormDialog<Fields>
      title={t(channel ? 'channels.edit' : 'channels.create')}
      isOpen={isOpen}
      onClose={onClose}
      initial={initial}
      isStored={channel !== null}
      onSave={save.mutateAsync}
    >
      <Form.Item
        name="name"
        label={c('word.name')}
        rules={[{ required: true, whitespace: true, message: c('word.required') }]}
      >
        <Input maxLength={100} />
      </Form.Item>
      <Kind kept={initial.channel_type} before={before} />
      <Form.Item name="is_enabled" label={t('rules.isEnabled')} valuePropName="checked" extra={t('channels.offHint')}>
        <Switch />
      </Form.Item>
    </FormDialog>
  )
}

/** What the channel is, and how it is reached. */
function Kind({ kept, before }: { kept: ChannelType; before: Values }) {
  const { t } = useTranslation('alerts')
  const form = Form.useFormInstance<Fields>()
  const kind = (Form.useWatch('channel_type', form) as ChannelType | undefined) ?? kept
  // What is stored is of the stored kind alone.
  const given = (of: ChannelType) => (of === kept ? before : {})
  const isMasked = Object.values(given(kind)).some((value) => typeof value === 'string' && value.includes(MASK))
  return (
    <>
      <Form.Item name="channel_type" label={t('channels.type')} extra={isMasked && t('channels.maskHint')}>
        <Select
          options={CHANNEL_TYPES.map((value) => ({ value, label: t(`channelType.${value}`) }))}
          onChange={(next: ChannelType) => form.setFieldValue('config', toShown(CHANNELS[next], given(next)))}
        />
      </Form.Item>
      <FieldsForm fields={CHANNELS[kind]} at="config" before={given(kind)} />
    </>
  )
}
