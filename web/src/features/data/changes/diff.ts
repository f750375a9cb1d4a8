import { writeExact } from '../exact'

/** What became of a field between two contents. */
export interface FieldDiff {
  path: string
  kind: 'added' | 'removed' | 'changed'
  before?: unknown
  after?: unknown
}

/** The fields that differ; those of nested objects by themselves, lists as a whole. */
export function diffFields(before: unknown, after: unknown): FieldDiff[] {
  const found: FieldDiff[] = []
  compare(before, after, '', found)
  return found
}

function compare(before: unknown, after: unknown, path: string, found: FieldDiff[]) {
  if (isObject(before) && isObject(after)) {
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const at = path ? `${path}.${name}` : name
      if (!Object.hasOwn(after, name)) found.push({ path: at, kind: 'removed', before: before[name] })
      else if (!Object.hasOwn(before, name)) found.push({ path: at, kind: 'added', after: after[name] })
      else compare(before[name], after[name], at, found)
    }
  } else if (writeExact(before) !== writeExact(after)) {
    found.push({ path, kind: 'changed', before, after })
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
