/** What the server said of a request that it did not carry out. */
export class ApiError extends Error {
  constructor(
    /** The HTTP status. */
    readonly status: number,
    /** A stable word, as `spider_busy`. */
    readonly code: string,
    message: string,
    readonly details: Detail[] = [],
    readonly requestId: string | null = null,
  ) {
    super(message)
    this.name = 'ApiError'
  }
}

/** One part of the input that was refused. */
export interface Detail {
  /** As `body.name`. */
  loc: string
  msg: string
}

/** The server was not reached at all. */
export class Unreachable extends Error {
  override name = 'Unreachable'
}

interface ErrorBody {
  msg?: unknown
  data?: { error?: unknown; details?: unknown } | null
}

/** Reads an answer that is no success; also one that did not come from the server itself, as a proxy's page. */
export async function errorOf(response: Response): Promise<ApiError> {
  const requestId = response.headers.get('x-request-id')
  const body = (await response.json().catch(() => null)) as ErrorBody | null
  const message = typeof body?.msg === 'string' ? body.msg : `HTTP ${response.status} ${response.statusText}`.trim()
  const code = typeof body?.data?.error === 'string' ? body.data.error : `http_${response.status}`
  return new ApiError(response.status, code, message, detailsOf(body?.data?.details), requestId)
}

function detailsOf(found: unknown): Detail[] {
  if (!Array.isArray(found)) return []
  return found.flatMap((detail: unknown) => {
    if (typeof detail !== 'object' || detail === null) return []
    const { loc, msg } = detail as { loc?: unknown; msg?: unknown }
    return typeof msg === 'string' ? [{ loc: typeof loc === 'string' ? loc : '', msg }] : []
  })
}

/** Whether trying again may help: nothing is wrong with the request. */
export function isPassing(error: unknown): boolean {
  return error instanceof Unreachable || (error instanceof ApiError && [502, 503, 504].includes(error.status))
}
