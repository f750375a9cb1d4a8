import type { Kind } from './kinds'

export const TLS = ['disable', 'prefer', 'require', 'verify-full'] as const
export type Tls = (typeof TLS)[number]

/** How a database is connected to, beside its address. */
export interface Options {
  tls: Tls
  authSource?: string
  replicaSet?: string
}

/** As each engine calls it. */
const TLS_NAMES = ['tls', 'sslmode', 'ssl_mode', 'ssl-mode', 'ssl']
const TLS_WORDS: Record<string, Tls> = {
  true: 'verify-full',
  false: 'disable',
  preferred: 'prefer',
  allow: 'prefer',
  required: 'require',
  disabled: 'disable',
  'verify-identity': 'verify-full',
  'verify-ca': 'verify-full',
}

/** `connection_options` as they are stored, in whatever words they were given. */
export function readOptions(given: object): Options {
  const all = given as Record<string, unknown>
  // The last one counts on the server, too.
  const name = Object.keys(all).findLast((known) => TLS_NAMES.includes(known))
  const word = String(name === undefined ? 'prefer' : all[name])
    .toLowerCase()
    .replaceAll('_', '-')
  return {
    tls: TLS.find((known) => known === word) ?? TLS_WORDS[word] ?? 'prefer',
    authSource: text(all.authSource ?? all.auth_source),
    replicaSet: text(all.replicaSet ?? all.replica_set),
  }
}

/** What of it a kind of database takes. */
export function writeOptions(kind: Kind, { tls, authSource, replicaSet }: Options): Record<string, string> {
  const isMongo = kind === 'mongodb'
  return {
    tls,
    ...(isMongo && authSource?.trim() ? { authSource: authSource.trim() } : {}),
    ...(isMongo && replicaSet?.trim() ? { replicaSet: replicaSet.trim() } : {}),
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
