import { get, type Schemas } from '../../api/client'

export type Sandbox = Schemas['Sandbox']

/** Where the API has what these pages show. */
export const WORKSPACES = '/platform/api/crawlhub/workspaces'
export const WORKSPACE = `${WORKSPACES}/{name}` as const
export const FILES = `${WORKSPACE}/files` as const

/** The one that everybody has as soon as they ask for it. */
export const DEFAULT = 'default'

export const workspaceOf = (name: string) => get(WORKSPACE, { params: { path: { name } } })

/** Of what is not asked for by `api`. */
export const addressOf = (name: string, rest: string) => `${WORKSPACES}/${encodeURIComponent(name)}/${rest}`
