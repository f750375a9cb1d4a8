import { useQuery } from '@tanstack/react-query'

import { get, type Schemas } from '../../../api/client'
import { CHANNELS_PATH } from '../addresses'

/** As many channels as a page holds: they are few. */
export function useChannels(): Schemas['Channel'][] {
  return useQuery(get(CHANNELS_PATH, { params: { query: { page_size: 100 } } })).data?.items ?? []
}
