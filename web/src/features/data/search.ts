import type { Query } from './read'

export type View = 'items' | 'fields' | 'quarantine' | 'changes'

export const SINCE = ['run', 'day', 'week', 'month', 'ever'] as const
export type Since = (typeof SINCE)[number]

/** What of the data is looked at, as it stands in the address. */
export interface DataSearch {
  page?: number
  page_size?: number
  cursor?: string
  view?: View
  spider_id?: string
  task_id?: string
  is_test?: boolean
  q?: string
  /** As the API takes them: see `items/filter.ts`. */
  filter?: string[]
  sort?: string
  /** How far back changes are told. */
  since?: Since
}

export type Change = Partial<DataSearch>

/** What every view of the data is given: where it looks, and how it looks elsewhere. */
export interface ViewProps {
  search: DataSearch
  /** All that is not named stays. */
  onSearch: (change: Change) => void
}

/** Another selection begins on its first page. */
export function narrowed(change: Change): Change {
  return { page: undefined, cursor: undefined, ...change }
}

/** The parameters that say which items, for lists, fields and exports alike. */
export function selection({ spider_id, task_id, is_test, q, filter }: DataSearch): Query {
  return { spider_id, task_id, is_test, q, filter }
}
