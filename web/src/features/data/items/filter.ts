import { pathOf, readPath } from './path'

export const OPERATORS = ['eq', 'ne', 'contains', 'gt', 'gte', 'lt', 'lte', 'exists'] as const
export type Operator = (typeof OPERATORS)[number]

/** A condition on a field. */
export interface Filter {
  /** As the API writes it: `seller.name`. */
  path: string
  operator: Operator
  value: string
}

const SCALAR = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)$/

/** As the API takes it. It takes `12` for the number: where the field's values are all texts, the text is meant. */
export function writeFilter({ path, operator, value }: Filter, types: readonly string[] = []): string {
  const isText = types.includes('string') && types.every((type) => type === 'string' || type === 'null')
  const meant = operator !== 'exists' && isText && SCALAR.test(value) ? JSON.stringify(value) : value
  return `${path}:${operator}:${meant}`
}

/** Null: it was not written by the form, and is shown as it is. */
export function readFilter(text: string): Filter | null {
  const found = /^((?:[^\\:]|\\.)*):(\w+):(.*)$/s.exec(text)
  const operator = OPERATORS.find((known) => known === found?.[2])
  return found && operator ? { path: found[1]!, operator, value: found[3]! } : null
}

/** Of a field of the item itself. */
export const missing = (name: string) => `${pathOf(name)}:exists:false`

const SIGNS: Partial<Record<Operator, string>> = { eq: '=', ne: '≠', gt: '>', gte: '≥', lt: '<', lte: '≤' }

/** The operators that need no word. */
export const signOf = (operator: Operator) => SIGNS[operator]

export const fieldOf = ({ path }: Filter) => readPath(path)
