import type { Item } from './run'

/** More fields than that are only to be seen one item at a time. */
export const MOST_FIELDS = 12

/** The fields that items have, in the order in which they were met. */
export function fieldsOf(items: Item[]): string[] {
  const fields = new Set<string>()
  for (const { data } of items) for (const field of Object.keys(data)) fields.add(field)
  return [...fields]
}

/** What a cell shows. */
export function cellText(value: unknown): string {
  if (value === undefined) return ''
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
