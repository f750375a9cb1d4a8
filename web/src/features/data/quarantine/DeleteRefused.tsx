import { DeleteOutlined } from '@ant-design/icons'
import { useTranslation } from 'react-i18next'

import { api, dataOf } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { ConfirmButton } from '../../../ui/ConfirmButton'
import { count } from '../../../ui/format'
import { QUARANTINE } from '../read'
import type { DataSearch } from '../search'
import { useScopeName } from '../useScopeName'

interface Props {
  search: DataSearch
  total: number | null | undefined
}

/** Removes the refused items of a task or of a spider. */
export function DeleteRefused({ search: { spider_id, task_id }, total }: Props) {
  const { t } = useTranslation('data')
  const { t: c } = useTranslation()
  const name = useScopeName({ spider_id, task_id })
  const remove = useChange(() => dataOf(api.DELETE(QUARANTINE, { params: { query: { spider_id, task_id } } })), {
    refreshes: [QUARANTINE],
    done: ({ deleted_count }) => t('delete.done', { count: count(deleted_count) }),
  })
  const which = typeof total === 'number' ? c('word.total', { total: count(total) }) : null
  return (
    <ConfirmButton
      icon={<DeleteOutlined />}
      question={t('quarantine.deleteQuestion', { name })}
      consequence={[which, t('quarantine.deleteConsequence')].filter(Boolean).join(' · ')}
      loading={remove.isPending}
      onConfirm={() => remove.mutateAsync(undefined)}
    >
      {t('quarantine.delete')}
    </ConfirmButton>
  )
}
