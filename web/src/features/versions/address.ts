import { get, type Schemas } from '../../api/client'
import { SPIDER_ALONE } from '../spiders/addresses'

export type Deployment = Schemas['Deployment']
export type Diff = Schemas['Diff']

export const VERSIONS = '/platform/api/crawlhub/spiders/{id}/deployments'
export const SPIDER = '/platform/api/crawlhub/spiders/{id}'
/** To be read again where a version is made, or taken. */
export const CHANGED = [...SPIDER_ALONE, VERSIONS, `${SPIDER}/files`]

/** In place of a version: the files as they are. */
export const FILES = 'files'

/** Either the id of a version, or {@link FILES}. */
export type Side = string

export const versionPath = (spiderId: string, deploymentId: string) => ({
  path: { id: spiderId, deployment_id: deploymentId },
})

/** What leads from one to the other, one of which is a version. */
export function diffOf(spiderId: string, version: string, against: Side) {
  const params = { ...versionPath(spiderId, version), query: { against } }
  return get(`${VERSIONS}/{deployment_id}/diff`, { params })
}
