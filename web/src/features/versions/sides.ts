import type { Schemas } from '../../api/client'
import { FILES, type Diff, type Side } from './address'

/** Which difference to ask for: the server tells what leads to a version, never to the files. */
export function asked(from: Side, to: Side): { version: string; against: Side; isTurned: boolean } | null {
  if (from === to) return null
  return to === FILES ? { version: from, against: to, isTurned: true } : { version: to, against: from, isTurned: false }
}

export interface FileChange {
  path: string
  kind: 'added' | 'removed' | 'changed'
  before: Schemas['DeployedFile'] | null
  after: Schemas['DeployedFile'] | null
}

export interface Changes {
  files: FileChange[]
  settings: Schemas['ChangedSetting'][]
}

/** All that differs, by path; the other way round where `isTurned`. */
export function changesOf(diff: Diff, isTurned: boolean): Changes {
  const files: FileChange[] = [
    ...diff.added.map((after) => ({ path: after.path, kind: 'added' as const, before: null, after })),
    ...diff.removed.map((before) => ({ path: before.path, kind: 'removed' as const, before, after: null })),
    ...diff.changed.map(({ path, from, to }) => ({ path, kind: 'changed' as const, before: from, after: to })),
  ].sort((one, other) => (one.path < other.path ? -1 : 1))
  if (!isTurned) return { files, settings: diff.settings }
  return {
    files: files.map(({ path, kind, before, after }) => ({ path, kind: TURNED[kind], before: after, after: before })),
    settings: diff.settings.map(({ name, from, to }) => ({ name, from: to, to: from })),
  }
}

const TURNED = { added: 'removed', removed: 'added', changed: 'changed' } as const
