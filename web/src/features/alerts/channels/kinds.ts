import type { Schemas } from '../../../api/client'
import type { TextField } from '../fields/field'

export type ChannelType = Schemas['ChannelType']

const robot = (help: TextField['help']): TextField => ({
  name: 'webhook_url',
  label: 'robotUrl',
  help,
  kind: 'url',
  isRequired: true,
})
const secret = { name: 'secret', kind: 'secret', isRequired: false } as const
const robotSecret: TextField = { ...secret, label: 'robotSecret', help: 'robotSecret' }

/** What each kind of channel is reached by. */
export const CHANNELS: Record<ChannelType, readonly TextField[]> = {
  webhook: [
    { name: 'url', label: 'url', help: 'webhook', kind: 'url', isRequired: true },
    { ...secret, label: 'signSecret', help: 'signSecret' },
  ],
  email: [{ name: 'to', label: 'receivers', help: 'receivers', kind: 'receivers', isRequired: true }],
  dingtalk: [robot('dingtalk'), robotSecret],
  feishu: [robot('feishu'), robotSecret],
  wecom: [robot('wecom')],
  slack: [robot('slack')],
}

export const CHANNEL_TYPES = Object.keys(CHANNELS) as ChannelType[]
