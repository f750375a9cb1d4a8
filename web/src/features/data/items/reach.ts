import type { ItemPage } from '../types'

/** A sorted list has numbered pages up to this item. */
const DEEPEST_SORTED = 1000

/** How many items numbered pages reach, and whether this page is the last of those. */
export function reachOf({ total, page, page_size }: ItemPage, isSorted: boolean) {
  const known = total ?? 0
  const deepest = Math.floor(DEEPEST_SORTED / page_size) * page_size
  const numbered = isSorted ? Math.min(known, deepest) : known
  return { numbered, isLast: page * page_size >= numbered }
}
