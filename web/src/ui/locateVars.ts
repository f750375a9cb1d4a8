import { ApiError } from '../api/errors'
import type { EnvVar } from './EnvVarFields'

/** What the server refused of variables, at the inputs of their rows: it knows them by their names. */
export function locateVars(error: unknown, list: string, rows: readonly EnvVar[]): unknown {
  if (!(error instanceof ApiError)) return error
  const start = `body.${list}.`
  const details = error.details.map((detail) => {
    const name = detail.loc.startsWith(start) ? detail.loc.slice(start.length) : null
    const row = rows.findIndex((found) => found.name.trim() === name)
    return row < 0 ? detail : { ...detail, loc: `${start}${row}.name` }
  })
  return new ApiError(error.status, error.code, error.message, details, error.requestId)
}
