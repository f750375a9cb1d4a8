import { queryOptions } from '@tanstack/react-query'

import type { Schemas } from '../../../api/client'
import { errorOf, Unreachable } from '../../../api/errors'

export type Ready = Schemas['Ready']

/** How the server fares. That something is away is an answer here, not an error: it comes with 503. */
export const ready = () =>
  queryOptions({
    queryKey: ['/readyz'],
    queryFn: async ({ signal }): Promise<Ready> => {
      const response = await fetch('/readyz', { signal }).catch((error: unknown) => {
        if (signal.aborted) throw error
        throw new Unreachable(String(error))
      })
      const body: unknown = await response
        .clone()
        .json()
        .catch(() => null)
      if (isReady(body)) return body
      throw await errorOf(response)
    },
  })

function isReady(body: unknown): body is Ready {
  return typeof body === 'object' && body !== null && 'dependencies' in body && 'loops' in body
}

export type State = 'ok' | 'unavailable' | 'nearlyFull'

export interface Part {
  name: string
  state: State
  /** Without it the server cannot do what it was set up for. */
  isNeeded: boolean
}

/** What the server depends on, what it needs most first. */
export function partsOf({ dependencies, disk, docker, swarm }: Ready): Part[] {
  const stateOf = (word: string): State =>
    word === 'ok' ? 'ok' : word === 'nearly_full' ? 'nearlyFull' : 'unavailable'
  return [
    ...Object.entries(dependencies).map(([name, word]) => ({ name, state: stateOf(word), isNeeded: true })),
    { name: 'disk', state: stateOf(disk), isNeeded: true },
    { name: 'docker', state: stateOf(docker), isNeeded: false },
    // Said only where somebody has set one up.
    ...(swarm ? [{ name: 'swarm', state: stateOf(swarm), isNeeded: true }] : []),
  ]
}

export interface Loop {
  name: string
  runs: number
  isWell: boolean
}

/** What goes on in the background, what fails first. */
export function loopsOf({ loops }: Ready): Loop[] {
  return Object.entries(loops)
    .map(([name, { runs, well }]) => ({ name, runs, isWell: well }))
    .sort((left, right) => Number(left.isWell) - Number(right.isWell) || left.name.localeCompare(right.name))
}
