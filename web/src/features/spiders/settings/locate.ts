import { ApiError } from '../../../api/errors'
import { locateVars } from '../../../ui/locateVars'
import type { Fields } from './fields'

/** What the server refused, at the inputs of the form: it knows variables by their names, and rules as a whole. */
export function locate(error: unknown, { env_vars }: Pick<Fields, 'env_vars'>): unknown {
  const found = locateVars(error, 'env_vars', env_vars)
  if (!(found instanceof ApiError)) return found
  const details = found.details.map((detail) =>
    /^body\.error_rules\.\d+$/.test(detail.loc) ? { ...detail, loc: `${detail.loc}.pattern` } : detail,
  )
  return new ApiError(found.status, found.code, found.message, details, found.requestId)
}
