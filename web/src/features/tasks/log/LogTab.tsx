import { getRouteApi } from '@tanstack/react-router'

import { isActive, type Task } from '../addresses'
import { LogView } from './LogView'
import { type LogFilter } from './reading'

const route = getRouteApi('/inside/tasks/$taskId')

/** A task's log, of any length. */
export function LogTab({ task }: { task: Task }) {
  const { q, level, stream, line } = route.useSearch()
  const navigate = route.useNavigate()
  const filter: LogFilter = { q, level, stream }
  const change = (to: LogFilter) =>
    void navigate({ search: (before) => ({ ...before, ...to, line: undefined }), replace: true, resetScroll: false })
  return (
    <LogView
      // Other lines are another log.
      key={JSON.stringify([task.id, filter])}
      taskId={task.id}
      isRunning={isActive(task)}
      removedAt={task.logs_removed_at ?? null}
      filter={filter}
      marked={line}
      onFilter={change}
      onUnmark={() => void navigate({ search: (before) => ({ ...before, line: undefined }), replace: true })}
    />
  )
}
