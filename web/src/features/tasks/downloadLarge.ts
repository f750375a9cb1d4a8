import { api } from '../../api/client'

/** A download that need not fit into memory: the browser's own. It cannot renew the session, so that is done before. */
export async function downloadLarge(path: string): Promise<void> {
  await api.GET('/platform/api/account/profile')
  const link = document.createElement('a')
  link.href = path
  link.download = ''
  link.click()
}
