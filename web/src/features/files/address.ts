import { get, type Schemas } from '../../api/client'

export type SpiderFile = Schemas['SpiderFile']

export const FILES = '/platform/api/crawlhub/spiders/{id}/files'

export const filesOf = (spiderId: string) => get(FILES, { params: { path: { id: spiderId } } })

export const contentOf = (spiderId: string, fileId: string) =>
  get(`${FILES}/{file_id}/content`, { params: { path: { id: spiderId, file_id: fileId } } })
