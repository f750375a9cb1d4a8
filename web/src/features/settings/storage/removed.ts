import type { Schemas } from '../../../api/client'
import type zh from '../../../i18n/zh/settings'

type Removed = Schemas['Removed']
type Kind = keyof typeof zh.clean.removed

const KINDS: Kind[] = [
  'tasks',
  'logs',
  'items',
  'versions',
  'fires',
  'alerts',
  'deliveries',
  'audit',
  'events',
  'blobs',
]

/** Of what a cleaning removed something, and how many. */
export function removedKinds(removed: Removed): [Kind, number][] {
  return KINDS.map((kind): [Kind, number] => [kind, removed[kind]]).filter(([, count]) => count > 0)
}
