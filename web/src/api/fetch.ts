import { errorOf, Unreachable } from './errors'
import { reached, unreachable } from './connection'
import { signInAgain } from './session'

const BASE = '/platform/api'

/** Of these a 401 says something else than that the session is over. */
const OPEN = [`${BASE}/login`, `${BASE}/refresh-token`, `${BASE}/account/profile`]

let language = 'zh-CN'

/** The language that the server's sentences come in. */
export function setAnswerLanguage(next: string) {
  language = next
}

export function csrfToken(cookies = document.cookie): string {
  const found = cookies.split('; ').find((cookie) => cookie.startsWith('admin_csrf_token='))
  return found ? decodeURIComponent(found.slice('admin_csrf_token='.length)) : ''
}

function prepared(request: Request): Request {
  request.headers.set('Accept-Language', language)
  if (!['GET', 'HEAD'].includes(request.method)) request.headers.set('X-CSRF-Token', csrfToken())
  return request
}

async function send(request: Request): Promise<Response> {
  try {
    const response = await fetch(prepared(request))
    reached()
    return response
  } catch (error) {
    if (request.signal.aborted) throw error
    unreachable()
    throw new Unreachable(String(error))
  }
}

let renewing: Promise<boolean> | null = null

/** New tokens for the session; false where it is over. Asked for once, however many requests need it. */
export function renew(): Promise<boolean> {
  renewing ??= send(new Request(`${BASE}/refresh-token`, { method: 'POST' }))
    .then((response) => response.ok)
    .finally(() => {
      renewing = null
    })
  return renewing
}

/** As `fetch`, in the user's language, with the CSRF token, over the end of an access token and of a session. Any answer
 * that is no success is thrown as an {@link ApiError}. */
export async function apiFetch(input: Request | string, init?: RequestInit): Promise<Response> {
  const request = new Request(input, init)
  let response = await send(request.clone())
  if (response.status === 401 && !OPEN.includes(new URL(request.url).pathname)) {
    if (!(await renew())) await signInAgain()
    response = await send(request.clone())
  }
  if (!response.ok) throw await errorOf(response)
  return response
}
