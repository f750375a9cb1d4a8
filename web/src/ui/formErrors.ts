import { ApiError } from '../api/errors'

type Path = (string | number)[]

interface Placed {
  fields: { name: Path; errors: string[] }[]
  /** What is of none of the fields; null where nothing is. */
  rest: unknown
}

/** What the server refused, at those fields of a form that it says it of: `body.config.url` is `['config', 'url']`. */
export function placeErrors(error: unknown, known: Path[]): Placed {
  if (!(error instanceof ApiError) || error.details.length === 0) return { fields: [], rest: error }
  const byName = new Map(known.map((name) => [`body.${name.join('.')}`, { name, errors: [] as string[] }]))
  const unplaced = error.details.filter(({ loc, msg }) => {
    byName.get(loc)?.errors.push(msg)
    return !byName.has(loc)
  })
  return {
    fields: [...byName.values()].filter(({ errors }) => errors.length > 0),
    rest: unplaced.length > 0 ? new ApiError(error.status, error.code, error.message, unplaced, error.requestId) : null,
  }
}
