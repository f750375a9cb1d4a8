import type { Schemas } from '../../../api/client'

/** Which tasks are listed, as the address says it. */
export interface TaskSearch {
  page?: number
  page_size?: number
  spider_id?: string
  status?: Schemas['TaskStatus']
  trigger_type?: Schemas['Trigger']
  is_test?: boolean
}

export const isFiltered = ({ spider_id, status, trigger_type, is_test }: TaskSearch) =>
  [spider_id, status, trigger_type, is_test].some((given) => given !== undefined)
