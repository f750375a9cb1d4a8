import { queryOptions } from '@tanstack/react-query'

import { api, dataOf, get, type Schemas } from '../../api/client'
import { FILES, VERSIONS, versionPath, type Side } from './address'

/** The text of a file on one side; null where it is none. By its hash, which says what is in it. */
export function textOf(spiderId: string, side: Side, file: Schemas['DeployedFile'] | null) {
  return queryOptions({
    queryKey: [`${VERSIONS}/content`, spiderId, file?.hash ?? null] as const,
    staleTime: Infinity,
    queryFn: async ({ client, signal }): Promise<string | null> => {
      if (file === null) return ''
      if (side !== FILES) {
        const params = { ...versionPath(spiderId, side), query: { path: file.path } }
        const answer = api.GET(`${VERSIONS}/{deployment_id}/files/content`, { params, signal })
        return (await dataOf(answer)).content ?? null
      }
      const path = '/platform/api/crawlhub/spiders/{id}/files'
      const files = await client.query({ ...get(path, { params: { path: { id: spiderId } } }), staleTime: 0 })
      const id = files.find((known) => known.path === file.path)?.id ?? ''
      const params = { path: { id: spiderId, file_id: id } }
      return (await dataOf(api.GET(`${path}/{file_id}/content`, { params, signal }))).content ?? null
    },
  })
}
