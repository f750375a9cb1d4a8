import { exactNumber, writeExact } from '../exact'

/** The field that an item has which is no object. */
export const WHOLE = 'value'

/** More of a text than this is not told in a table. */
const LONGEST = 300

/** A field of an item. */
export function fieldOf(data: unknown, name: string): unknown {
  if (typeof data === 'object' && data !== null && !Array.isArray(data)) {
    return Object.hasOwn(data, name) ? (data as Record<string, unknown>)[name] : undefined
  }
  return name === WHOLE ? data : undefined
}

/** In a table: texts as they are, nested values as JSON, long ones cut. */
export function cellText(value: unknown): string {
  const text = wholeText(value)
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
}

export function wholeText(value: unknown): string {
  return exactNumber(value) ?? (typeof value === 'string' ? value : writeExact(value))
}

/** The address that a text is, if it is one that a browser should open. */
export function linkOf(value: unknown): string | null {
  return typeof value === 'string' && /^https?:\/\/\S+$/i.test(value) && URL.canParse(value) ? value : null
}

/** The fields that tell most of the items: those most often filled, as they appeared where that is equal. */
export function fullest(fields: readonly { name: string; count: number }[], most: number): string[] {
  return fields
    .map(({ name, count }, place) => ({ name, count, place }))
    .sort((one, other) => other.count - one.count || one.place - other.place)
    .slice(0, most)
    .map(({ name }) => name)
}
