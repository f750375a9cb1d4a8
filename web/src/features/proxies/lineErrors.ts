import { ApiError } from '../../api/errors'

/** More are not told: they are alike. */
const MOST = 5

/** What the server said of single lines (`body.text.3`), as of the whole text, each with its line's number. */
export function atLines(error: unknown, told: (line: number, msg: string) => string, more: (count: number) => string) {
  if (!(error instanceof ApiError)) return error
  const lines = error.details.flatMap(({ loc, msg }) => {
    const line = /^body\.text\.(\d+)/.exec(loc)?.[1]
    return line === undefined ? [] : [told(Number(line), msg)]
  })
  if (lines.length === 0) return error
  const rest = error.details.filter(({ loc }) => !/^body\.text\.\d/.test(loc))
  const shown = lines.slice(0, MOST)
  if (lines.length > MOST) shown.push(more(lines.length - MOST))
  const details = [...rest, ...shown.map((msg) => ({ loc: 'body.text', msg }))]
  return new ApiError(error.status, error.code, error.message, details, error.requestId)
}
