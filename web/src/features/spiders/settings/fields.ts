import type { Schemas } from '../../../api/client'
import { objectText, parseObject } from '../json'

type Spider = Schemas['Spider']

export interface EnvVar {
  name: string
  value: string
}

const PLAIN = [
  'name',
  'project_id',
  'description',
  'start_url',
  'is_active',
  'source',
  'entry_point',
  'runner',
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
  'autothrottle_enabled',
  'webhook_url',
] as const

/** A spider as the form has it: objects as text, variables as rows. */
export type Fields = Pick<Spider, (typeof PLAIN)[number]> & {
  params: string
  item_schema: string
  env_vars: EnvVar[]
  retention: Spider['retention']
}

export function fieldsOf(spider: Spider): Fields {
  const plain = Object.fromEntries(PLAIN.map((name) => [name, spider[name]])) as Pick<Spider, (typeof PLAIN)[number]>
  return {
    ...plain,
    params: objectText(spider.params),
    item_schema: objectText(spider.item_schema),
    env_vars: Object.entries(spider.env_vars).map(([name, value]) => ({ name, value })),
    retention: spider.retention,
  }
}

/** Only what is another: what somebody else changed meanwhile stays as it is. An empty text is nothing. */
export function changeOf(before: Fields, after: Fields): Schemas['SpiderChange'] {
  const change: Record<string, unknown> = {}
  for (const name of PLAIN) {
    const [old, next] = [before[name] ?? null, after[name] ?? null].map((value) => (value === '' ? null : value))
    if (old !== next) change[name] = next
  }
  if (before.params !== after.params) change.params = parseObject(after.params)
  if (before.item_schema !== after.item_schema) {
    change.item_schema = after.item_schema.trim() ? parseObject(after.item_schema) : null
  }
  const [envBefore, envAfter] = [before, after].map(({ env_vars }) =>
    Object.fromEntries(env_vars.map(({ name, value }) => [name, value])),
  )
  if (JSON.stringify(envBefore) !== JSON.stringify(envAfter)) change.env_vars = envAfter
  const [keptBefore, keptAfter] = [before, after].map(({ retention }) =>
    JSON.stringify(
      Object.entries(retention)
        .filter(([, value]) => value != null)
        .toSorted(),
    ),
  )
  if (keptBefore !== keptAfter) {
    change.retention = Object.fromEntries(Object.entries(after.retention).filter(([, value]) => value != null))
  }
  return change
}
