import type { Schemas } from '../../api/client'

/** Where the API has what this page shows. */
export const PROXIES = '/platform/api/crawlhub/proxies'

export type Proxy = Schemas['Proxy']
export type Status = Proxy['status']

export const PROTOCOLS = ['http', 'https', 'socks5'] as const
export const STATUSES = ['active', 'inactive', 'cooldown'] as const

/** As it is written; its password is not known. */
export function addressOf({ protocol, username, host, port }: Pick<Proxy, 'protocol' | 'username' | 'host' | 'port'>) {
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  return `${protocol}://${username ? `${username}@` : ''}${name}:${port}`
}

/** When each was last checked, by their ids. */
export type Checks = Record<string, string | null>

export const checksOf = (proxies: readonly Proxy[]): Checks =>
  Object.fromEntries(proxies.map(({ id, last_check_at }) => [id, last_check_at ?? null]))

/** How many of those that were to be checked have not been since. Those out of use are not checked. */
export function unchecked(before: Checks, proxies: readonly Proxy[]): number {
  return proxies.filter(
    ({ id, status, last_check_at }) =>
      status !== 'inactive' && id in before && (last_check_at ?? null) === (before[id] ?? null),
  ).length
}
