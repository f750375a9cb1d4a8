import { useState } from 'react'

import { ItemsView } from './items/ItemsView'
import type { DataSearch } from './search'

interface Props {
  spiderId?: string
  taskId?: string
}

/** The items of a task or a spider, inside of a page whose address says other things. */
export function ItemsTable({ spiderId, taskId }: Props) {
  const [search, setSearch] = useState<DataSearch>({})
  return (
    <ItemsView
      search={{ ...search, spider_id: spiderId, task_id: taskId }}
      onSearch={(change) => setSearch((before) => ({ ...before, ...change }))}
    />
  )
}
