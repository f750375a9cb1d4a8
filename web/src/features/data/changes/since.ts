import type { Since } from '../search'

const DAY_MS = 86_400_000
const DAYS: Record<Exclude<Since, 'ever' | 'run'>, number> = { day: 1, week: 7, month: 30 }

/** The time that changes are told from, as the API takes it. Undefined: from the beginning. */
export function timeOf(since: Since, runStart: string | null | undefined, now: number): string | undefined {
  if (since === 'run') return runStart ?? undefined
  return since === 'ever' ? undefined : new Date(now - DAYS[since] * DAY_MS).toISOString()
}
