import { expect, test } from 'vitest'

import { readOptions, writeOptions } from './options'

test('options in the words of each engine', () => {
  expect(readOptions({}).tls).toBe('prefer')
  expect(readOptions({ sslmode: 'verify_full' }).tls).toBe('verify-full')
  expect(readOptions({ 'ssl-mode': 'REQUIRED' }).tls).toBe('require')
  expect(readOptions({ ssl: true }).tls).toBe('verify-full')
  expect(readOptions({ auth_source: 'admin', replicaSet: 'rs0' })).toEqual({
    tls: 'prefer',
    authSource: 'admin',
    replicaSet: 'rs0',
  })
})

test('a database is told what it knows', () => {
  const options = { tls: 'require' as const, authSource: ' admin ', replicaSet: '' }
  expect(writeOptions('mongodb', options)).toEqual({ tls: 'require', authSource: 'admin' })
  expect(writeOptions('postgresql', options)).toEqual({ tls: 'require' })
})
