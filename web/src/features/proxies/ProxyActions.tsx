import { DeleteOutlined, EditOutlined, PlayCircleOutlined, ReloadOutlined, StopOutlined } from '@ant-design/icons'
import { App, Button, Flex, Tooltip } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, dataOf } from '../../api/client'
import { useChange } from '../../api/useChange'
import { ConfirmButton } from '../../ui/ConfirmButton'
import { addressOf, PROXIES, type Proxy } from './proxy'

interface Props {
  proxy: Proxy
  onEdit: () => void
}

export function ProxyActions({ proxy, onEdit }: Props) {
  const { t } = useTranslation('proxies')
  const { t: c } = useTranslation()
  const address = addressOf(proxy)
  const params = { path: { id: proxy.id } }
  const refreshes = [PROXIES]
  const isOff = proxy.status === 'inactive'
  const turn = useChange(
    () => api.PUT(`${PROXIES}/{id}`, { params, body: { status: isOff ? 'active' : 'inactive' } }),
    { refreshes },
  )
  const remove = useChange(() => api.DELETE(`${PROXIES}/{id}`, { params }), { refreshes, done: c('said.deleted') })
  return (
    <Flex gap="small">
      <CheckButton proxy={proxy} />
      <Tooltip title={c(isOff ? 'action.enable' : 'action.disable')}>
        <Button
          size="small"
          icon={isOff ? <PlayCircleOutlined /> : <StopOutlined />}
          aria-label={`${c(isOff ? 'action.enable' : 'action.disable')} ${address}`}
          loading={turn.isPending}
          onClick={() => turn.mutate(undefined)}
        />
      </Tooltip>
      <Tooltip title={c('action.edit')}>
        <Button size="small" icon={<EditOutlined />} aria-label={`${c('action.edit')} ${address}`} onClick={onEdit} />
      </Tooltip>
      <ConfirmButton
        size="small"
        icon={<DeleteOutlined />}
        aria-label={`${c('action.delete')} ${address}`}
        question={t('deleteOne', { address })}
        consequence={t('deleteHint')}
        loading={remove.isPending}
        onConfirm={() => remove.mutateAsync(undefined)}
      />
    </Flex>
  )
}

/** Checks one now, and tells what became of it. */
function CheckButton({ proxy }: { proxy: Proxy }) {
  const { t } = useTranslation('proxies')
  const { message } = App.useApp()
  const address = addressOf(proxy)
  const check = useChange(() => dataOf(api.POST(`${PROXIES}/{id}/check`, { params: { path: { id: proxy.id } } })), {
    refreshes: [PROXIES],
    onSuccess: ({ ok, latency_ms, error }) =>
      ok
        ? message.success(t('checkOk', { address, ms: latency_ms ?? 0 }))
        : message.error(t('checkFailed', { address, error: error ?? '' }), 8),
  })
  return (
    <Tooltip title={t('check')}>
      <Button
        size="small"
        icon={<ReloadOutlined />}
        loading={check.isPending}
        aria-label={`${t('check')} ${address}`}
        onClick={() => check.mutate(undefined)}
      />
    </Tooltip>
  )
}
