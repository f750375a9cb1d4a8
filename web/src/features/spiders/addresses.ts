import { get } from '../../api/client'

/** Where the API has what these pages show. */
export const SPIDERS = '/platform/api/crawlhub/spiders'
export const SPIDER = `${SPIDERS}/{id}` as const

export const spiderOf = (id: string) => get(SPIDER, { params: { path: { id } } })
