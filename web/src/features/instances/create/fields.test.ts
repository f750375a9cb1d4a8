import { expect, test } from 'vitest'

import { newOf } from './fields'

test('what is left empty is the server’s', () => {
  const fields = { image: 'web', prefix: ' ', command: '', env: [], public: false }
  expect(newOf(fields)).toEqual({
    image: 'web',
    prefix: null,
    command: null,
    env: {},
    container_port: null,
    port: null,
    memory_mb: null,
    cpus: null,
    public: false,
  })
  const env = [{ name: ' MODE ', value: ' as it is ' }]
  expect(newOf({ ...fields, prefix: ' shop2026 ', env, memory_mb: 64 })).toMatchObject({
    prefix: 'shop2026',
    env: { MODE: ' as it is ' },
    memory_mb: 64,
  })
})
