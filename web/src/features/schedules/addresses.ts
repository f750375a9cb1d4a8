import type { Schemas } from '../../api/client'

/** Where the API has what these pages show. */
export const SCHEDULES = '/platform/api/crawlhub/schedules'
export const SCHEDULE = `${SCHEDULES}/{id}` as const
export const SPIDERS = '/platform/api/crawlhub/spiders'
export const SPIDER = `${SPIDERS}/{id}` as const

export type Schedule = Schemas['Schedule']
export type Fire = Schemas['Fire']
export type Outcome = Schemas['FireOutcome']
