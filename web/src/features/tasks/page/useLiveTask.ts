import { useQuery, useQueryClient } from '@tanstack/react-query'

import { refresh } from '../../../api/client'
import { DATA, isActive, TASK, taskOf, type Task } from '../addresses'
import { useEvents } from '../useEvents'

/** Figures that no event tells. */
const LOOK_AGAIN_MS = 10_000

/** A task as it is, and while it goes on, as it becomes. */
export function useLiveTask(taskId: string) {
  const client = useQueryClient()
  const query = useQuery({
    ...taskOf(taskId),
    refetchInterval: ({ state }) => (state.data && isActive(state.data) ? LOOK_AGAIN_MS : false),
  })
  const readAgain = () => refresh(client, TASK, DATA)
  useEvents({
    path: `${TASK.replace('{id}', taskId)}/events`,
    isOpen: query.data !== undefined && isActive(query.data),
    onEvents: (events) => {
      const told = JSON.parse(events.at(-1)!.data) as Partial<Task> & Pick<Task, 'status'>
      client.setQueryData(taskOf(taskId).queryKey, (task) => task && { ...task, ...told })
      // All that an ended task is, no event tells.
      if (!isActive(told)) void readAgain()
    },
    onEnd: () => void readAgain(),
  })
  return query
}
