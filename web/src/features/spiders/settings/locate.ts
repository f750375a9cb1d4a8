import { ApiError } from '../../../api/errors'
import type { Fields } from './fields'

/** What the server refused, at the inputs of the form: it knows variables by their names, and rules as a whole. */
export function locate(error: unknown, { env_vars }: Pick<Fields, 'env_vars'>): unknown {
  if (!(error instanceof ApiError)) return error
  const details = error.details.map((detail) => ({ ...detail, loc: located(detail.loc, env_vars) }))
  return new ApiError(error.status, error.code, error.message, details, error.requestId)
}

function located(loc: string, vars: Fields['env_vars']): string {
  if (/^body\.error_rules\.\d+$/.test(loc)) return `${loc}.pattern`
  const name = /^body\.env_vars\.(.+)$/s.exec(loc)?.[1]
  const row = vars.findIndex((found) => found.name.trim() === name)
  return row < 0 ? loc : `body.env_vars.${row}.name`
}
