import type { ButtonProps } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, only } from '../../api/client'
import { useChange } from '../../api/useChange'
import { ConfirmButton } from '../../ui/ConfirmButton'
import { bytes, count } from '../../ui/format'
import { WORKSPACE, WORKSPACES, type Sandbox } from './addresses'

interface Props extends Pick<ButtonProps, 'size'> {
  workspace: Sandbox
}

/** Ends what goes on in it. */
export function StopButton({ workspace: { name, status, usage }, size }: Props) {
  const { t } = useTranslation('workspaces')
  const stop = useChange(() => api.DELETE(WORKSPACE, { params: { path: { name } } }), {
    refreshes: [only(WORKSPACES), only(WORKSPACE)],
    done: t('stopped', { name }),
  })
  return (
    <ConfirmButton
      size={size}
      danger={false}
      disabled={status === 'stopped' && usage.commands + usage.terminals === 0}
      question={t('stopAsk', { name })}
      consequence={t('stopHint', { commands: count(usage.commands), terminals: count(usage.terminals) })}
      confirmText={t('stop')}
      loading={stop.isPending}
      aria-label={t('stopLabel', { name })}
      onConfirm={() => stop.mutateAsync(undefined)}
    >
      {t('stop')}
    </ConfirmButton>
  )
}

interface Purge extends Props {
  /** Leaves its page, before anything of it is read again. */
  onGone?: () => Promise<unknown>
}

/** Removes it for good. */
export function PurgeButton({ workspace: { name, usage }, size, onGone }: Purge) {
  const { t } = useTranslation('workspaces')
  const purge = useChange(
    async () => {
      await api.DELETE(WORKSPACE, { params: { path: { name }, query: { purge: true } } })
      await onGone?.()
    },
    { refreshes: [only(WORKSPACES)], done: t('purged', { name }) },
  )
  return (
    <ConfirmButton
      size={size}
      question={t('purgeAsk', { name })}
      consequence={t('purgeHint', { files: count(usage.files), size: bytes(usage.bytes) })}
      confirmText={t('purge')}
      loading={purge.isPending}
      aria-label={t('purgeLabel', { name })}
      onConfirm={() => purge.mutateAsync(undefined)}
    >
      {t('purge')}
    </ConfirmButton>
  )
}
