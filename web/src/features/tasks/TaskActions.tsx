import { DeleteOutlined, ReloadOutlined, StopOutlined } from '@ant-design/icons'
import { Button, Flex } from 'antd'
import { useTranslation } from 'react-i18next'

import { ConfirmButton } from '../../ui/ConfirmButton'
import { time } from '../../ui/format'
import { useMay } from '../session/profile'
import { isActive, type Task } from './addresses'
import { useTaskChanges } from './useTaskChanges'

interface Props {
  task: Task
  /** In a list. */
  isSmall?: boolean
  onRetried?: (task: Task) => void
  onDeleted?: () => void
}

export function TaskActions({ task, isSmall, onRetried, onDeleted }: Props) {
  const { t } = useTranslation('tasks')
  const { t: c } = useTranslation()
  const mayChange = useMay('editor')
  const { cancel, retry, remove } = useTaskChanges(task, { onRetried, onDeleted })
  if (!mayChange) return null
  const size = isSmall ? 'small' : 'middle'
  const spider = task.spider_name
  if (isActive(task)) {
    const isStopping = !!task.cancel_requested_at
    return (
      <ConfirmButton
        size={size}
        icon={<StopOutlined />}
        disabled={isStopping}
        loading={cancel.isPending}
        question={t('cancelAsk', { spider })}
        consequence={t('cancelHint')}
        confirmText={t('action.cancel')}
        onConfirm={() => cancel.mutateAsync(undefined)}
      >
        {t(isStopping ? 'action.stopping' : isSmall ? 'action.cancelShort' : 'action.cancel')}
      </ConfirmButton>
    )
  }
  return (
    <Flex gap={isSmall ? 4 : 'small'}>
      <Button size={size} icon={<ReloadOutlined />} loading={retry.isPending} onClick={() => retry.mutate(undefined)}>
        {t('action.retry')}
      </Button>
      <ConfirmButton
        size={size}
        icon={<DeleteOutlined />}
        loading={remove.isPending}
        aria-label={c('action.delete')}
        question={t('deleteAsk', { spider, at: time(task.created_at) })}
        consequence={t('deleteHint')}
        onConfirm={() => remove.mutateAsync(undefined)}
      >
        {!isSmall && c('action.delete')}
      </ConfirmButton>
    </Flex>
  )
}
