import { DeleteOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Tooltip } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, dataOf } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { ConfirmButton } from '../../../ui/ConfirmButton'
import { count } from '../../../ui/format'
import { DATA, exact } from '../read'
import type { DataSearch } from '../search'
import { useScopeName } from '../useScopeName'

/** Removes the items of a task or of a spider; the test runs' alone, or those with a text, where only they are shown. */
export function DeleteItems({ search: { spider_id, task_id, is_test, q, filter } }: { search: DataSearch }) {
  const { t } = useTranslation('data')
  const { t: c } = useTranslation()
  const name = useScopeName({ spider_id, task_id })
  const query = { spider_id, task_id, is_test, q }
  const { data: found } = useQuery(exact(DATA, { ...query, page_size: 1 }))
  const remove = useChange(() => dataOf(api.DELETE(DATA, { params: { query } })), {
    refreshes: [DATA, '/platform/api/crawlhub/tasks'],
    done: ({ deleted_count }) => t('delete.done', { count: count(deleted_count) }),
  })
  const total = count(found?.total ?? 0)
  const which = [
    is_test !== undefined && t(is_test ? 'delete.onlyTest' : 'delete.onlyReal'),
    q !== undefined && t('delete.onlyText', { q }),
    found && (found.total_is_at_least ? t('items.atLeast', { total }) : c('word.total', { total })),
    t('delete.forGood'),
  ]
  return (
    // Conditions on fields do not narrow a deletion: more would be gone than is seen.
    <Tooltip title={filter && t('delete.noFilter')}>
      <ConfirmButton
        icon={<DeleteOutlined />}
        disabled={filter !== undefined || found?.total === 0}
        question={t(task_id ? 'delete.task' : 'delete.spider', { name })}
        consequence={<ul>{which.map((line) => line && <li key={line}>{line}</li>)}</ul>}
        loading={remove.isPending}
        onConfirm={() => remove.mutateAsync(undefined)}
      >
        {t('delete.open')}
      </ConfirmButton>
    </Tooltip>
  )
}
