import { errorOf, Unreachable } from './errors'
import { csrfToken, renew } from './fetch'
import { signInAgain } from './session'

/** Sends a form with a file, and tells how much of it is there: `fetch` cannot. From 0 to 1. */
export async function upload(
  path: string,
  form: FormData,
  language: string,
  onProgress: (part: number) => void,
  signal: AbortSignal,
): Promise<void> {
  let response = await send(path, form, language, onProgress, signal)
  if (response.status === 401) {
    if (!(await renew())) await signInAgain()
    response = await send(path, form, language, onProgress, signal)
  }
  if (!response.ok) throw await errorOf(response)
}

function send(
  path: string,
  form: FormData,
  language: string,
  onProgress: (part: number) => void,
  signal: AbortSignal,
): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>()
  const request = new XMLHttpRequest()
  request.open('POST', path)
  request.setRequestHeader('Accept-Language', language)
  request.setRequestHeader('X-CSRF-Token', csrfToken())
  request.upload.onprogress = ({ lengthComputable, loaded, total }) => {
    if (lengthComputable && total > 0) onProgress(loaded / total)
  }
  request.onload = () => resolve(new Response(request.responseText, { status: request.status }))
  request.onerror = () => reject(new Unreachable())
  request.onabort = () => reject(new DOMException('aborted', 'AbortError'))
  signal.addEventListener('abort', () => request.abort(), { once: true })
  request.send(form)
  return promise
}
