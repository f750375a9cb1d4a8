import type { Schemas } from '../../../api/client'

type Schedule = Schemas['Schedule']

export interface NextRun {
  at: string
  /** Of the schedule that starts it; its own has none. */
  name: string
  timezone: string
}

const MOST = 5

/** The runs to come of all its schedules, the soonest first: of its own as many as are known, of each other one the next. */
export function nextRuns(schedules: Schedule[], own: string[]): NextRun[] {
  const runs = schedules.flatMap(({ is_own, is_active, next_run_at, name, timezone }): NextRun[] => {
    if (!is_active) return []
    if (is_own) return own.map((at) => ({ at, name: '', timezone }))
    return next_run_at ? [{ at: next_run_at, name, timezone }] : []
  })
  return runs.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at)).slice(0, MOST)
}
