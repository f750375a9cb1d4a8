import { exactNumber, parseExact } from '../exact'
import { wholeText } from '../items/value'

/** The fields that a thing is known by, for people: of one field its value, of several each. */
export function labelText(label: string): string {
  let fields: unknown
  try {
    fields = parseExact(label)
  } catch {
    // A long one is cut.
    return label
  }
  if (typeof fields !== 'object' || fields === null) return exactNumber(fields) ?? label
  const entries = Object.entries(fields)
  if (entries.length === 1) return wholeText(entries[0]![1])
  return entries.map(([name, value]) => `${name}: ${wholeText(value)}`).join(', ')
}
