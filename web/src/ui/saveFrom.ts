import { apiFetch } from '../api/fetch'

/** Downloads what is at an address of the API, over the end of a session; its errors are thrown, where a link would save
 * them as the file. For what fits into memory. */
export async function saveFrom(path: string): Promise<void> {
  const response = await apiFetch(new URL(path, location.origin).href)
  saveAs(await response.blob(), fileName(response.headers.get('content-disposition')) ?? 'download')
}

/** The same for what may be large: the browser itself takes it, once it is known that there is something to take. */
export async function saveLargeFrom(path: string): Promise<void> {
  const { href } = new URL(path, location.origin)
  const response = await apiFetch(href)
  await response.body?.cancel()
  follow(href, fileName(response.headers.get('content-disposition')) ?? '')
}

export function saveAs(content: Blob, name: string) {
  const address = URL.createObjectURL(content)
  follow(address, name)
  // Some browsers read it only after this.
  setTimeout(() => URL.revokeObjectURL(address), 60_000)
}

function follow(address: string, name: string) {
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
}

/** The name in a `Content-Disposition`; the form that knows all scripts first. */
export function fileName(disposition: string | null): string | null {
  const wide = /filename\*=UTF-8''([^;]+)/i.exec(disposition ?? '')?.[1]
  if (wide) {
    try {
      return decodeURIComponent(wide.trim())
    } catch {
      // The other form is there, too.
    }
  }
  return /filename="?([^";]+)"?/i.exec(disposition ?? '')?.[1]?.trim() ?? null
}
