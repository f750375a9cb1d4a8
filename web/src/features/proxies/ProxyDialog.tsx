import { Flex, Form, Input, InputNumber, Select } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, type Schemas } from '../../api/client'
import { useChange } from '../../api/useChange'
import { FormDialog } from '../../ui/FormDialog'
import { PROTOCOLS, PROXIES, type Proxy } from './proxy'

interface Fields {
  protocol: Schemas['Protocol']
  host: string
  port: number
  username?: string
  password?: string
}

interface Props {
  /** Null: a new one. */
  proxy: Proxy | null
  isOpen: boolean
  onClose: () => void
}

export function ProxyDialog({ proxy, isOpen, onClose }: Props) {
  const { t } = useTranslation('proxies')
  const { t: c } = useTranslation()
  const save = useChange(
    ({ username, password, ...address }: Fields) => {
      // An empty password leaves the stored one as it is.
      const body = { ...address, username: username?.trim() || null, password: password || null }
      return proxy
        ? api.PUT(`${PROXIES}/{id}`, { params: { path: { id: proxy.id } }, body })
        : api.POST(PROXIES, { body })
    },
    { refreshes: [PROXIES], isQuiet: true, done: c('said.saved') },
  )
  const initial: Partial<Fields> = proxy
    ? { protocol: proxy.protocol, host: proxy.host, port: proxy.port, username: proxy.username ?? undefined }
    : { protocol: 'http' }
  const required = { required: true, message: c('word.required') }
  return (
    <FormDialog<Fields>
      title={t(proxy ? 'edit' : 'create')}
      isOpen={isOpen}
      onClose={onClose}
      initial={initial}
      isStored={proxy !== null}
      onSave={save.mutateAsync}
    >
      <Form.Item name="protocol" label={t('protocol')} extra={t('protocolHint')}>
        <Select options={PROTOCOLS.map((value) => ({ value, label: value }))} />
      </Form.Item>
      <Flex gap="small">
        <Form.Item name="host" label={t('host')} rules={[{ ...required, whitespace: true }]} style={{ flex: 1 }}>
          <Input autoComplete="off" />
        </Form.Item>
        <Form.Item name="port" label={t('port')} rules={[required]} style={{ width: 110 }}>
          <InputNumber min={1} max={65_535} precision={0} style={{ width: '100%' }} />
        </Form.Item>
      </Flex>
      <Form.Item name="username" label={t('username')} extra={t('usernameHint')}>
        <Input autoComplete="off" />
      </Form.Item>
      <Form.Item name="password" label={t('password')} extra={proxy?.has_password && t('passwordHint')}>
        <Input.Password autoComplete="new-password" />
      </Form.Item>
    </FormDialog>
  )
}
