import { DeleteOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { App, Button } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, dataOf } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { ConfirmButton } from '../../../ui/ConfirmButton'
import { count } from '../../../ui/format'
import { DATA, exact } from '../read'
import type { DataSearch } from '../search'
import type { ItemPage } from '../types'
import { useScopeName } from '../useScopeName'

interface Props {
  search: DataSearch
  /** Undefined while it is being looked for. */
  found: ItemPage | undefined
}

/** Removes the items of a task or of a spider; the test runs' alone, or those with a text, where only they are shown. */
export function DeleteItems({ search: { spider_id, task_id, is_test, q, filter }, found }: Props) {
  const { t } = useTranslation('data')
  const { t: c } = useTranslation()
  const { message } = App.useApp()
  const name = useScopeName({ spider_id, task_id })
  const query = { spider_id, task_id, is_test, q }
  // Behind a cursor a page does not say how many there are.
  const first = useQuery({
    ...exact(DATA, { ...query, page_size: 1 }),
    enabled: filter === undefined && found !== undefined && typeof found.total !== 'number',
  })
  const counted = typeof found?.total === 'number' ? found : first.data
  const remove = useChange(() => dataOf(api.DELETE(DATA, { params: { query } })), {
    refreshes: [DATA, '/platform/api/crawlhub/tasks'],
    done: ({ deleted_count }) => t('delete.done', { count: count(deleted_count) }),
  })
  if (filter !== undefined) {
    // Conditions on fields do not narrow a deletion: more would be gone than is seen.
    return (
      <Button danger icon={<DeleteOutlined />} onClick={() => void message.info(t('delete.noFilter'), 6)}>
        {t('delete.open')}
      </Button>
    )
  }
  const total = count(counted?.total ?? 0)
  const which = [
    is_test !== undefined && t(is_test ? 'delete.onlyTest' : 'delete.onlyReal'),
    q !== undefined && t('delete.onlyText', { q }),
    counted && (counted.total_is_at_least ? t('items.atLeast', { total }) : c('word.total', { total })),
    t('delete.forGood'),
  ]
  return (
    <ConfirmButton
      icon={<DeleteOutlined />}
      disabled={counted === undefined || (counted.total === 0 && !counted.total_is_at_least)}
      question={t(task_id ? 'delete.task' : 'delete.spider', { name })}
      consequence={<ul>{which.map((line) => line && <li key={line}>{line}</li>)}</ul>}
      loading={remove.isPending}
      onConfirm={() => remove.mutateAsync(undefined)}
    >
      {t('delete.open')}
    </ConfirmButton>
  )
}
