/** Of what is larger the browser would not be glad. */
export const LARGEST_EDITED = 1024 * 1024

/** Why a file is offered for download only. */
export function whyNotOpened(size: number, content: string | null | undefined): 'large' | 'binary' | null {
  if (size > LARGEST_EDITED) return 'large'
  return content === null || content?.includes('\0') ? 'binary' : null
}
