import type { Task } from './addresses'

type Times = Pick<Task, 'status' | 'started_at' | 'finished_at'>

/** How long it ran, or has been running; null: it was never started. */
export function durationOf({ status, started_at, finished_at }: Times, now: number): number | null {
  // Waiting for a retry it does not run, though it was started.
  if (!started_at || status === 'pending') return null
  const end = finished_at ? Date.parse(finished_at) : now
  // The clocks of the server and of this machine differ a little.
  return Math.max(0, end - Date.parse(started_at))
}
