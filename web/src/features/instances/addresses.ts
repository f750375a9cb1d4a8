import { get, type Schemas } from '../../api/client'

export type Instance = Schemas['Instance']
export type Limits = Schemas['InstanceLimits']

/** Where the API has what these pages show. */
export const INSTANCES = '/platform/api/crawlhub/instances'
export const INSTANCE = `${INSTANCES}/{prefix}` as const

export const instanceOf = (prefix: string) => get(INSTANCE, { params: { path: { prefix } } })

/** They change with the server's settings only. */
export const limits = () => ({ ...get(`${INSTANCES}/limits`), staleTime: 60_000 })
