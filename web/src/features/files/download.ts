import type { QueryClient } from '@tanstack/react-query'

import type { Schemas } from '../../api/client'
import { saveAs } from '../../ui/saveFrom'
import { contentOf, type SpiderFile } from './address'
import { nameOf } from './tree'

/** One file as it is on the server. */
export async function downloadFile(client: QueryClient, { spider_id, id, path }: SpiderFile): Promise<void> {
  const content = await client.query({ ...contentOf(spider_id, id), staleTime: 0 })
  saveAs(new Blob([bytesOf(content)]), nameOf(path))
}

function bytesOf({ content, content_base64 }: Schemas['FileContent']): BlobPart {
  if (typeof content === 'string') return content
  return Uint8Array.from(atob(content_base64 ?? ''), (letter) => letter.charCodeAt(0))
}
