import type { Schemas } from '../../../api/client'
import type { NumberField } from '../fields/field'

export type RuleType = Schemas['AlertType']

interface RuleKind {
  fields: readonly NumberField[]
  /** What is looked at again and again would be told again and again. */
  leastCooldown: 0 | 1
}

const A_WEEK = 10_080
const A_MONTH = 43_200
export const LONGEST_COOLDOWN = A_MONTH

const window = (initial: number): NumberField => ({
  name: 'window_minutes',
  label: 'window',
  help: 'window',
  kind: 'number',
  unit: 'minutes',
  initial,
  least: 1,
  most: A_WEEK,
})
const minutes = { kind: 'number', unit: 'minutes', least: 1, most: A_MONTH } as const
const amount = { kind: 'number', least: 1, most: 1e9 } as const
const happens: RuleKind = { fields: [], leastCooldown: 0 }

/** What each kind of rule compares with. */
export const RULES: Record<RuleType, RuleKind> = {
  task_failed: happens,
  task_failure_rate: {
    fields: [
      { name: 'threshold', label: 'threshold', kind: 'percent', unit: 'percent', initial: 0.5, least: 0, most: 1 },
      window(30),
      { name: 'min_tasks', label: 'minTasks', help: 'minTasks', ...amount, unit: 'tasks', initial: 1 },
    ],
    leastCooldown: 1,
  },
  task_duration: {
    fields: [
      { name: 'max_duration_seconds', label: 'maxDuration', ...amount, unit: 'seconds', initial: 3600 },
      window(60),
    ],
    leastCooldown: 1,
  },
  items_count: {
    fields: [{ name: 'min_items', label: 'minItems', ...amount, unit: 'items', initial: 1 }, window(60)],
    leastCooldown: 1,
  },
  heartbeat_timeout: {
    fields: [{ name: 'timeout_minutes', label: 'timeout', ...minutes, initial: 5 }],
    leastCooldown: 1,
  },
  no_run: {
    fields: [{ name: 'window_minutes', label: 'window', help: 'noRunWindow', ...minutes, initial: 1440 }],
    leastCooldown: 1,
  },
  sink_failing: { fields: [], leastCooldown: 1 },
  data_drift: happens,
  editor: happens,
  instance: happens,
}

export const RULE_TYPES = Object.keys(RULES) as RuleType[]
