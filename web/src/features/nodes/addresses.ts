import { get, type Schemas } from '../../api/client'

export type Node = Schemas['Node']

/** Where the API has what these pages show. */
export const NODES = '/platform/api/crawlhub/nodes'
export const NODE = `${NODES}/{id}` as const

/** As many as a list of the API has at most: a farm is hardly larger. */
const MOST = 100

/** Those that may be chosen. */
export const allNodes = () => ({ ...get(NODES, { params: { query: { page_size: MOST } } }), staleTime: 30_000 })
