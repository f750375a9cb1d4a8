import { keepPreviousData, useQuery } from '@tanstack/react-query'

import { get, type Schemas } from '../../api/client'

const REFRESH_MS = 4000

/** The newest task of each of these spiders, by the spider's id; looked at again while one of them goes on. */
export function useLatestTasks(spiders: string[]): Map<string, Schemas['Task']> {
  const { data } = useQuery({
    ...get('/platform/api/crawlhub/tasks/latest', { params: { query: { spider_ids: spiders.join(',') } } }),
    enabled: spiders.length > 0,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) =>
      state.data?.some(({ status }) => status === 'pending' || status === 'running') ? REFRESH_MS : false,
  })
  return new Map(data?.map((task) => [task.spider_id, task]))
}
