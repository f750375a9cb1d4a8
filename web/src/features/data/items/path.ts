/** Paths to fields, as the API writes them: keys with `.` between, in a key `\` before a `.`, a `:` or a `\`. */

export const pathOf = (name: string) => name.replace(/[\\.:]/g, '\\$&')

/** For people: keys with `.` between. */
export const readPath = (path: string) => path.replace(/\\(.)/gs, '$1')

/** A field and a direction, as the API takes them. */
export function sortBy(name: string, isDescending: boolean): string {
  const path = pathOf(name).replace(/^-/, '\\-')
  return isDescending ? `-${path}` : path
}

export function readSort(sort: string): { name: string; isDescending: boolean } {
  const isDescending = sort.startsWith('-')
  return { name: readPath(isDescending ? sort.slice(1) : sort), isDescending }
}
