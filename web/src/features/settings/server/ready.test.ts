import { expect, test } from 'vitest'

import { loopsOf, partsOf, type Ready } from './ready'

const answer: Ready = {
  status: 'unavailable',
  dependencies: { database: 'ok', files: 'unavailable' },
  disk: 'nearly_full',
  docker: 'unavailable',
  swarm: 'ok',
  loops: { alerts: { runs: 3, well: true }, clock: { runs: 2, well: false }, blobs: { runs: 1, well: true } },
}

test('what the server depends on, and whether it needs it', () => {
  expect(partsOf(answer)).toEqual([
    { name: 'database', state: 'ok', isNeeded: true },
    { name: 'files', state: 'unavailable', isNeeded: true },
    { name: 'disk', state: 'nearlyFull', isNeeded: true },
    { name: 'docker', state: 'unavailable', isNeeded: false },
    { name: 'swarm', state: 'ok', isNeeded: true },
  ])
  expect(partsOf({ ...answer, swarm: null }).map(({ name }) => name)).not.toContain('swarm')
})

test('what fails comes first', () => {
  expect(loopsOf(answer).map(({ name }) => name)).toEqual(['clock', 'alerts', 'blobs'])
})
