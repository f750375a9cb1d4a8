import { useQuery } from '@tanstack/react-query'

import { get } from '../../api/client'
import { time } from '../../ui/format'
import type { DataSearch } from './search'

/** What a task or a spider is called in a question. */
export function useScopeName({ spider_id, task_id }: Pick<DataSearch, 'spider_id' | 'task_id'>): string {
  const spider = useQuery({
    ...get('/platform/api/crawlhub/spiders/{id}', { params: { path: { id: spider_id ?? '' } } }),
    enabled: spider_id !== undefined && task_id === undefined,
    staleTime: 60_000,
  }).data
  const task = useQuery({
    ...get('/platform/api/crawlhub/tasks/{id}', { params: { path: { id: task_id ?? '' } } }),
    enabled: task_id !== undefined,
    staleTime: 60_000,
  }).data
  if (task_id !== undefined) return task ? `${task.spider_name} · ${time(task.created_at)}` : task_id
  return spider?.name ?? spider_id ?? ''
}
