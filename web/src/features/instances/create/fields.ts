import type { Schemas } from '../../../api/client'
import type { EnvVar } from '../../../ui/EnvVarFields'

export interface Fields {
  prefix?: string
  image: string
  command?: string
  env: EnvVar[]
  container_port?: number | null
  port?: number | null
  memory_mb?: number | null
  cpus?: number | null
  public: boolean
}

/** As the API takes it: what is left empty is the server's. */
export function newOf(fields: Fields): Schemas['NewInstance'] {
  const text = (given: string | undefined) => given?.trim() || null
  const env = Object.fromEntries(fields.env.map(({ name, value }) => [name.trim(), value]))
  return {
    prefix: text(fields.prefix),
    image: fields.image,
    command: text(fields.command),
    // The description has no type for an object of anything.
    env: env as Record<string, never>,
    container_port: fields.container_port ?? null,
    port: fields.port ?? null,
    memory_mb: fields.memory_mb ?? null,
    cpus: fields.cpus ?? null,
    public: fields.public,
  }
}
