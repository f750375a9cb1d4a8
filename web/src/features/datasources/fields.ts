import type { Schemas } from '../../api/client'
import type { Kind } from './kinds'
import { readOptions, writeOptions, type Options } from './options'

/** A datasource as it stands in the form. */
export interface Fields {
  type: Kind
  name: string
  description?: string
  host: string
  /** The usual one where there is none. */
  port?: number | null
  database: string
  create_db_if_not_exists?: boolean
  username?: string
  /** Empty: as it is. */
  password?: string
  connection_options: Options
}

export function fieldsOf(source: Schemas['DataSource'] | null): Partial<Fields> {
  if (!source) return { type: 'postgresql', connection_options: { tls: 'prefer' } }
  const { type, name, description, host, port, database, username } = source
  const connection_options = readOptions(source.connection_options)
  return { type, name, description, host, port, database, username, connection_options }
}

export function bodyOf({ connection_options: options, port, ...fields }: Fields): Schemas['DataSourceChange'] {
  return {
    ...fields,
    create_db_if_not_exists: fields.create_db_if_not_exists ?? false,
    port: port ?? null,
    // The generated type knows nothing of what is in it.
    connection_options: writeOptions(fields.type, options) as Record<string, never>,
  }
}
