import type { Values } from '../fields/field'

/** What a channel is set to. Nothing where the server cannot decrypt it. */
export function readConfig(json: string): Values {
  const found: unknown = JSON.parse(json)
  return typeof found === 'object' && found !== null ? (found as Values) : {}
}

/** Whom a channel tells: an address, or receivers; null where that cannot be read. */
export function targetOf(config: Values): string | null {
  const found = config.url ?? config.webhook_url ?? config.to
  return typeof found === 'string' && found ? found : null
}
