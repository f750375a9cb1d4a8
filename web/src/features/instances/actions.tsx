import { DeleteOutlined, ExportOutlined, PlayCircleOutlined } from '@ant-design/icons'
import { Button, type ButtonProps } from 'antd'
import { useTranslation } from 'react-i18next'

import { api } from '../../api/client'
import { useChange } from '../../api/useChange'
import { ConfirmButton } from '../../ui/ConfirmButton'
import { useMay, useProfile } from '../session/profile'
import { INSTANCE, INSTANCES, type Instance } from './addresses'
import { useOpening } from './useOpening'

interface Props extends Pick<ButtonProps, 'size'> {
  instance: Instance
  onDeleted?: () => void
}

/** All that can be done with an instance. */
export function InstanceActions({ instance, size, onDeleted }: Props) {
  const isEditor = useMay('editor')
  const isOwn = useProfile()?.id === instance.user_id
  if (!isEditor) return null
  return (
    <>
      {isOwn && <OpenButton instance={instance} size={size} />}
      {instance.status === 'stopped' || instance.status === 'error' ? (
        <StartButton instance={instance} size={size} />
      ) : (
        <StopButton instance={instance} size={size} />
      )}
      <DeleteButton instance={instance} size={size} onDeleted={onDeleted} />
    </>
  )
}

function OpenButton({ instance: { prefix, status }, size }: Props) {
  const { t } = useTranslation('instances')
  const { open, isOpening } = useOpening(prefix)
  return (
    <Button
      size={size}
      icon={<ExportOutlined />}
      disabled={status !== 'running'}
      loading={isOpening}
      aria-label={t('openLabel', { prefix })}
      onClick={open}
    >
      {t('open')}
    </Button>
  )
}

function StartButton({ instance: { prefix }, size }: Props) {
  const { t } = useTranslation('instances')
  const start = useChange(() => api.POST(`${INSTANCE}/start`, { params: { path: { prefix } } }), {
    refreshes: [INSTANCES],
  })
  return (
    <Button
      size={size}
      icon={<PlayCircleOutlined />}
      loading={start.isPending}
      aria-label={t('startLabel', { prefix })}
      onClick={() => start.mutate(undefined)}
    >
      {t('start')}
    </Button>
  )
}

function StopButton({ instance: { prefix }, size }: Props) {
  const { t } = useTranslation('instances')
  const stop = useChange(() => api.POST(`${INSTANCE}/stop`, { params: { path: { prefix } } }), {
    refreshes: [INSTANCES],
  })
  return (
    <ConfirmButton
      size={size}
      danger={false}
      question={t('stopAsk', { prefix })}
      consequence={t('stopHint')}
      confirmText={t('stop')}
      loading={stop.isPending}
      aria-label={t('stopLabel', { prefix })}
      onConfirm={() => stop.mutateAsync(undefined)}
    >
      {t('stop')}
    </ConfirmButton>
  )
}

function DeleteButton({ instance: { prefix }, size, onDeleted }: Props) {
  const { t } = useTranslation('instances')
  const { t: c } = useTranslation()
  const remove = useChange(
    async () => {
      await api.DELETE(INSTANCE, { params: { path: { prefix } } })
      onDeleted?.()
    },
    { refreshes: [INSTANCES], done: c('said.deleted') },
  )
  return (
    <ConfirmButton
      size={size}
      icon={<DeleteOutlined />}
      question={t('deleteAsk', { prefix })}
      consequence={t('deleteHint')}
      loading={remove.isPending}
      aria-label={t('deleteLabel', { prefix })}
      onConfirm={() => remove.mutateAsync(undefined)}
    />
  )
}
