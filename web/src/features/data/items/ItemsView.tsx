import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Flex } from 'antd'

import { onDemand } from '../../../ui/onDemand'
import { useEdited } from '../../../ui/useEdited'
import { useFields } from '../fields/useFields'
import { DATA, exact } from '../read'
import { selection, type ViewProps } from '../search'
import type { Item } from '../types'
import { Conditions } from './Conditions'
import { ItemGrid } from './ItemGrid'
import { Pager } from './Pager'
import { Toolbar } from './Toolbar'
import { useChosenFields } from './useChosenFields'

const ItemDrawer = onDemand(() => import('./ItemDrawer').then((found) => found.ItemDrawer))

/** Items as a table: which, in which order, and which of their fields. */
export function ItemsView({ search, onSearch }: ViewProps) {
  const { page, page_size, cursor, sort, spider_id, task_id, is_test } = search
  const query = useQuery({
    ...exact(DATA, { ...selection(search), sort, page, page_size, cursor }),
    placeholderData: keepPreviousData,
  })
  // Of all items there, so that the columns stay while one searches.
  const fields = useFields({ spider_id, task_id, is_test }).data?.fields
  const [columns, chooseColumns] = useChosenFields(spider_id, fields)
  const drawer = useEdited<Item>()
  return (
    <Flex vertical gap="small">
      <Toolbar
        search={search}
        onSearch={onSearch}
        fields={fields ?? []}
        columns={columns}
        onColumns={chooseColumns}
        found={query.isPlaceholderData ? undefined : query.data}
      />
      <Conditions search={search} onSearch={onSearch} />
      <ItemGrid query={query} search={search} onSearch={onSearch} columns={columns} onOpen={drawer.edit} />
      {query.data && <Pager found={query.data} search={search} onSearch={onSearch} />}
      <ItemDrawer item={drawer.edited} isOpen={drawer.isOpen} onClose={drawer.close} />
    </Flex>
  )
}
