const NONE = [(columns: unknown) => columns, new Set()] as const

/** No row of a table is chosen. */
export default function useSelection() {
  return NONE
}

export const SELECTION_ALL = ''
export const SELECTION_COLUMN = {}
export const SELECTION_INVERT = ''
export const SELECTION_NONE = ''
