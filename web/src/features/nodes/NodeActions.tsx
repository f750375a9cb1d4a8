import { App, Button, Flex } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, dataOf, type Schemas } from '../../api/client'
import { ApiError } from '../../api/errors'
import { useChange } from '../../api/useChange'
import { ConfirmButton } from '../../ui/ConfirmButton'
import { errorText } from '../../ui/errorText'
import { NODE, NODES, type Node } from './addresses'

export type ShowToken = (made: Schemas['NodeWithToken']) => void

interface Props {
  node: Node
  onEdit: () => void
  /** Its new token is shown this once. */
  onToken: ShowToken
}

/** All that an administrator does with a node. */
export function NodeActions({ node, onEdit, onToken }: Props) {
  const { t } = useTranslation('nodes')
  const { t: c } = useTranslation()
  const { id, name, drain: isDraining } = node
  const params = { path: { id } }
  const drain = useChange((to: boolean) => api.PUT(NODE, { params, body: { drain: to } }), { refreshes: [NODES] })
  const rotate = useChange(() => dataOf(api.POST(`${NODE}/rotate-token`, { params })), {
    refreshes: [NODES],
    onSuccess: onToken,
  })
  return (
    <Flex gap="small" wrap>
      <Button size="small" aria-label={t('editLabel', { name })} onClick={onEdit}>
        {c('action.edit')}
      </Button>
      <Button
        size="small"
        aria-label={t(isDraining ? 'resumeLabel' : 'drainLabel', { name })}
        title={t('drainHint')}
        loading={drain.isPending}
        onClick={() => drain.mutate(!isDraining)}
      >
        {t(isDraining ? 'resume' : 'drain')}
      </Button>
      <ConfirmButton
        size="small"
        danger={false}
        question={t('rotateAsk', { name })}
        consequence={t('rotateHint')}
        confirmText={t('rotate')}
        loading={rotate.isPending}
        aria-label={t('rotateLabel', { name })}
        onConfirm={() => rotate.mutateAsync(undefined)}
      >
        {t('rotate')}
      </ConfirmButton>
      <RemoveButton node={node} />
    </Flex>
  )
}

/** Where it runs tasks it stays, and is only given up on another word. */
function RemoveButton({ node: { id, name } }: { node: Node }) {
  const { t } = useTranslation('nodes')
  const { t: c } = useTranslation()
  const { modal, message } = App.useApp()
  const remove = useChange((force: boolean) => api.DELETE(NODE, { params: { path: { id }, query: { force } } }), {
    refreshes: [NODES],
    isQuiet: true,
    done: c('said.deleted'),
  })
  const run = async (force: boolean): Promise<void> => {
    try {
      await remove.mutateAsync(force)
    } catch (error) {
      if (!(error instanceof ApiError && error.code === 'node_busy')) return void message.error(errorText(error), 6)
      void modal.confirm({
        title: t('busy', { name }),
        content: t('busyHint'),
        okText: t('force'),
        okButtonProps: { danger: true },
        cancelText: c('action.cancel'),
        onOk: () => run(true),
      })
    }
  }
  return (
    <ConfirmButton
      size="small"
      question={t('deleteAsk', { name })}
      consequence={t('deleteHint')}
      loading={remove.isPending}
      aria-label={t('deleteLabel', { name })}
      onConfirm={() => run(false)}
    >
      {c('action.delete')}
    </ConfirmButton>
  )
}
