import { get, only } from '../../api/client'

/** Where the API has what these pages show. */
export const SPIDERS = '/platform/api/crawlhub/spiders'
export const SPIDER = `${SPIDERS}/{id}` as const
/** To be read again where one is changed: its files, editors, … are not. */
export const SPIDER_ALONE = [only(SPIDERS), only(SPIDER), `${SPIDER}/schedule`]
export const PROJECTS = '/platform/api/crawlhub/projects'
export const SCHEDULES = '/platform/api/crawlhub/schedules'
export const DASHBOARD = '/platform/api/crawlhub/dashboard'

export const spiderOf = (id: string) => get(SPIDER, { params: { path: { id } } })

/** Of many spiders of one project it is asked for once. */
export const projectOf = (id: string) => ({
  ...get(`${PROJECTS}/{id}`, { params: { path: { id } } }),
  staleTime: 60_000,
})
