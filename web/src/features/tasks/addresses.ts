import { get, type Schemas } from '../../api/client'

/** Where the API has what these pages show. */
export const TASKS = '/platform/api/crawlhub/tasks'
export const TASK = `${TASKS}/{id}` as const
export const SPIDER = '/platform/api/crawlhub/spiders/{id}'
export const DATA = '/platform/api/crawlhub/data'

export type Task = Schemas['Task']

export const taskOf = (id: string) => get(TASK, { params: { path: { id } } })

/** It may still change by itself. */
export const isActive = ({ status }: Pick<Task, 'status'>) => status === 'pending' || status === 'running'
