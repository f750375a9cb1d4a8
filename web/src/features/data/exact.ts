/** Numbers as they were sent: JavaScript's would round `9007199254740993` and write `88.0` as 88, which for the numbers
 * that sites give to things is another thing. They are kept as marked texts; only what is shown takes the mark off. */

const MARK = '\uE000'
/** Texts come first, so that no number is looked for inside them. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g
const WRITTEN = new RegExp(`"${MARK}(-?\\d[\\d.eE+-]*)"`, 'g')

/** As `JSON.parse`. */
export function parseExact(json: string): unknown {
  const marked = json.replace(TOKEN, (token) =>
    token.startsWith('"') || String(Number(token)) === token ? token : `"${MARK}${token}"`,
  )
  return JSON.parse(marked)
}

/** As `JSON.stringify`. */
export function writeExact(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(WRITTEN, '$1')
}

/** The number that a marked text stands for. */
export function exactNumber(value: unknown): string | null {
  return typeof value === 'string' && value.startsWith(MARK) ? value.slice(MARK.length) : null
}
