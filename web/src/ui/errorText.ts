import i18n from 'i18next'

import { ApiError, Unreachable } from '../api/errors'

/** What to tell of an error: the server's own sentence, which comes in the user's language; of parts of the input that
 * were refused what it says of each, as its sentence only has the first. */
export function errorText(error: unknown): string {
  if (error instanceof ApiError) {
    const details = error.details.map(({ loc, msg }) => (loc ? `${loc.replace(/^body\./, '')}: ${msg}` : msg))
    return details.length > 0 ? details.join('; ') : error.message
  }
  if (error instanceof Unreachable) return i18n.t('common:error.unreachable')
  return i18n.t('common:error.unexpected')
}
