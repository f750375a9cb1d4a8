import { keepPreviousData, useQuery } from '@tanstack/react-query'

import { exactNumber } from '../exact'
import { FIELDS, read } from '../read'
import { selection, type DataSearch } from '../search'

/** The fields that items have; `note` where there are more than are told. */
export function useFields(search: DataSearch) {
  const query = selection(search)
  return useQuery({
    queryKey: [FIELDS, query] as const,
    queryFn: async ({ signal }) => {
      const { data, msg } = await read(FIELDS, query, signal)
      const fields = data.map((field) => ({ ...field, filled: Number(exactNumber(field.filled) ?? field.filled) }))
      return { fields, note: msg === 'success' ? null : msg }
    },
    placeholderData: keepPreviousData,
  })
}
