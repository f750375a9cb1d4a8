import type { Schemas } from '../../api/client'

export type Kind = Schemas['SinkKind']

/** What speaks there, by its own name, and its usual port. */
export const KINDS: Record<Kind, { name: string; port: number }> = {
  postgresql: { name: 'PostgreSQL', port: 5432 },
  mysql: { name: 'MySQL / MariaDB', port: 3306 },
  mongodb: { name: 'MongoDB', port: 27017 },
}

export const KIND_NAMES = Object.keys(KINDS) as Kind[]
