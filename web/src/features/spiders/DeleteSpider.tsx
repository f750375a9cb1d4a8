import { DeleteOutlined } from '@ant-design/icons'
import type { ButtonProps } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, only, type Schemas } from '../../api/client'
import { useChange } from '../../api/useChange'
import { ConfirmButton } from '../../ui/ConfirmButton'
import { DASHBOARD, PROJECTS, SCHEDULES, SPIDER, SPIDERS } from './addresses'

interface Props extends Pick<ButtonProps, 'size' | 'children' | 'aria-label'> {
  spider: Pick<Schemas['Spider'], 'id' | 'name'>
  /** Leaves the spider's page before anything is read again: nothing of what is gone can be. */
  onGone?: () => Promise<unknown>
}

export function DeleteSpider({ spider: { id, name }, onGone, ...button }: Props) {
  const { t } = useTranslation('spiders')
  const { t: c } = useTranslation()
  const remove = useChange(
    async () => {
      await api.DELETE(SPIDER, { params: { path: { id } } })
      await onGone?.()
    },
    {
      done: c('said.deleted'),
      refreshes: [only(SPIDERS), PROJECTS, SCHEDULES, DASHBOARD],
    },
  )
  return (
    <ConfirmButton
      {...button}
      icon={<DeleteOutlined />}
      question={t('deleteQuestion', { name })}
      consequence={t('deleteHint')}
      loading={remove.isPending}
      onConfirm={() => remove.mutateAsync(undefined)}
    />
  )
}
