import { ApiOutlined, DeleteOutlined } from '@ant-design/icons'
import { App, Button } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, dataOf, type Schemas } from '../../api/client'
import { useChange } from '../../api/useChange'
import { ConfirmButton } from '../../ui/ConfirmButton'
import { DATASOURCES } from './addresses'

interface Props {
  source: Schemas['DataSource']
}

/** Reaches for it now, and tells what became of it: why not stays until it is closed. */
export function TestButton({ source: { id, name } }: Props) {
  const { t } = useTranslation('datasources')
  const { t: c } = useTranslation()
  const { notification } = App.useApp()
  const test = useChange(() => dataOf(api.POST(`${DATASOURCES}/{id}/test`, { params: { path: { id } } })), {
    refreshes: [DATASOURCES],
    onSuccess: ({ ok, message, latency_ms: ms }) =>
      ok
        ? notification.success({ title: t('test.ok', { name }), description: t('test.took', { ms }) })
        : notification.error({ title: t('test.failed', { name }), description: message, duration: false }),
  })
  return (
    <Button
      size="small"
      icon={<ApiOutlined />}
      loading={test.isPending}
      aria-label={`${c('action.test')} ${name}`}
      onClick={() => test.mutate(undefined)}
    >
      {c('action.test')}
    </Button>
  )
}

/** Starts or stops one that the platform runs. */
export function ContainerButton({ source: { id, name, status } }: Props) {
  const { t } = useTranslation('datasources')
  const isOn = status === 'active'
  const turn = useChange(
    () => api.POST(`${DATASOURCES}/{id}/${isOn ? 'stop' : 'start'}`, { params: { path: { id } } }),
    { refreshes: [DATASOURCES], done: t(isOn ? 'stopped' : 'started', { name }) },
  )
  return (
    <Button size="small" loading={turn.isPending} onClick={() => turn.mutate(undefined)}>
      {t(isOn ? 'stop' : 'start')}
    </Button>
  )
}

export function DeleteSource({ source: { id, name } }: Props) {
  const { t } = useTranslation('datasources')
  const { t: c } = useTranslation()
  const remove = useChange(() => api.DELETE(`${DATASOURCES}/{id}`, { params: { path: { id } } }), {
    refreshes: [DATASOURCES],
    done: c('said.deleted'),
  })
  return (
    <ConfirmButton
      size="small"
      icon={<DeleteOutlined />}
      aria-label={`${c('action.delete')} ${name}`}
      question={t('deleteOne', { name })}
      consequence={t('deleteHint')}
      loading={remove.isPending}
      onConfirm={() => remove.mutateAsync(undefined)}
    />
  )
}
