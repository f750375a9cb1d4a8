import type { Schemas } from '../../../api/client'
import type { EnvVar } from '../../../ui/EnvVarFields'
import { objectText, parseObject } from '../json'

type Spider = Schemas['Spider']

export const CATEGORIES = ['network', 'auth', 'parse', 'timeout', 'system'] as const satisfies Schemas['Category'][]

export const KEPT = ['log_days', 'item_days', 'task_days', 'tasks', 'versions', 'quota_mb'] as const

const PLAIN = [
  'name',
  'project_id',
  'description',
  'start_url',
  'is_active',
  'source',
  'git_repo',
  'entry_point',
  'runner',
  'node_id',
  'image',
  'requirements_txt',
  'timeout_seconds',
  'memory_limit_mb',
  'cpu_limit',
  'max_items',
  'max_retries',
  'retry_delay_seconds',
  'overlap',
  'max_concurrent',
  'misfire',
  'dedup_enabled',
  'dedup_fields',
  'dedup_policy',
  'proxy_enabled',
  'rate_limit_rps',
  'webhook_url',
] as const

type Numbers<K extends string> = Partial<Record<K, number | null>>

/** A spider as the form has it: objects as text, variables as rows. */
export type Fields = Pick<Spider, (typeof PLAIN)[number]> & {
  params: string
  item_schema: string
  env_vars: EnvVar[]
  error_rules: Schemas['ErrorRule'][]
  node_labels: string[]
  retry_limits: Numbers<(typeof CATEGORIES)[number]>
  retention: Numbers<(typeof KEPT)[number]>
}

export function fieldsOf(spider: Spider): Fields {
  const plain = Object.fromEntries(PLAIN.map((name) => [name, spider[name]])) as Pick<Spider, (typeof PLAIN)[number]>
  return {
    ...plain,
    params: objectText(spider.params),
    item_schema: objectText(spider.item_schema),
    env_vars: Object.entries(spider.env_vars).map(([name, value]) => ({ name, value })),
    error_rules: spider.error_rules,
    node_labels: spider.node_labels,
    retry_limits: numbersOf(CATEGORIES, spider.retry_limits),
    retention: numbersOf(KEPT, spider.retention),
  }
}

/** Each by its name, so that what is not there empties the input. */
function numbersOf<K extends string>(names: readonly K[], found: Numbers<K>): Numbers<K> {
  return Object.fromEntries(names.map((name) => [name, found[name] ?? null])) as Numbers<K>
}

/** Only what is another: what somebody else changed meanwhile stays as it is. An empty text is nothing. */
export function changeOf(before: Fields, after: Fields): Schemas['SpiderChange'] {
  const [old, next] = [sentOf(before), sentOf(after)]
  const changed = Object.entries(next).filter(([name, value]) => ordered(old[name]) !== ordered(value))
  return Object.fromEntries(changed)
}

export const isChanged = (before: Fields, after: Fields) => Object.keys(changeOf(before, after)).length > 0

/** As the API takes it. */
function sentOf(fields: Fields): Record<string, unknown> {
  return {
    ...Object.fromEntries(PLAIN.map((name) => [name, textOrNull(fields[name])])),
    // What is no object stays the text that it is: something else than before.
    params: parseObject(fields.params) ?? fields.params,
    item_schema: fields.item_schema.trim() ? (parseObject(fields.item_schema) ?? fields.item_schema) : null,
    env_vars: Object.fromEntries(fields.env_vars.map(({ name, value }) => [name.trim(), value])),
    error_rules: fields.error_rules.map(given),
    node_labels: fields.node_labels,
    retry_limits: given(fields.retry_limits),
    retention: given(fields.retention),
  }
}

function textOrNull(value: unknown): unknown {
  const found = typeof value === 'string' ? value.trimEnd() : value
  return found === '' || found === undefined ? null : found
}

/** What is there of an object; a field of a form that was emptied is nothing. */
function given(object: object): object {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => value !== null && value !== undefined && value !== ''),
  )
}

/** As text that is the same for objects that differ in the order of their members only. */
function ordered(value: unknown): string | undefined {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}
