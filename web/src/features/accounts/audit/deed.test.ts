import { expect, test } from 'vitest'

import openapi from '../../../../openapi.json'
import { deedOf } from './deed'

const of = (method: string, path: string) => deedOf(method, `/platform/api${path}`)

test('what was done to what', () => {
  expect(of('POST', '/crawlhub/spiders')).toEqual({ verb: 'create', object: 'spider' })
  expect(of('PUT', '/crawlhub/spiders/01')).toEqual({ verb: 'change', object: 'spider', spiderId: '01' })
  expect(of('DELETE', '/crawlhub/spiders/01')).toEqual({ verb: 'delete', object: 'spider' })
  expect(of('POST', '/crawlhub/spiders/01/run')).toEqual({ verb: 'run', object: 'spider', spiderId: '01' })
  expect(of('DELETE', '/crawlhub/spiders/01/files/02')).toEqual({ verb: 'delete', object: 'file', spiderId: '01' })
  expect(of('POST', '/crawlhub/spiders/01/files/new')).toEqual({ verb: 'create', object: 'file', spiderId: '01' })
  expect(of('DELETE', '/crawlhub/spiders/01/code-session')).toMatchObject({ verb: 'close', object: 'editor' })
  expect(of('POST', '/crawlhub/spiders/01/datasources')).toMatchObject({ verb: 'create', object: 'output' })
  expect(of('POST', '/crawlhub/tasks/01/cancel')).toEqual({ verb: 'cancel', object: 'task', taskId: '01' })
  expect(of('POST', '/crawlhub/notifications/channels/01/test')).toEqual({ verb: 'test', object: 'channel' })
  expect(of('PUT', '/account/password')).toEqual({ verb: 'change', object: 'password' })
  expect(of('POST', '/logout')).toEqual({ verb: 'signOut', object: 'session' })
})

test('an address that is not known has no words', () => {
  expect(of('POST', '/crawlhub/something/new')).toBeNull()
  expect(of('POST', '')).toBeNull()
})

test('whatever changes something has words', () => {
  // Who calls these is no user yet, or a task.
  const others = /\/(login|refresh-token)$|\/internal\//
  const routes = Object.entries(openapi.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => [method.toUpperCase(), path] as const),
  )
  const changing = routes.filter(([method, path]) => method !== 'GET' && !others.test(path))
  expect(changing.length).toBeGreaterThan(50)
  expect(changing.filter(([method, path]) => deedOf(method, path) === null)).toEqual([])
})
