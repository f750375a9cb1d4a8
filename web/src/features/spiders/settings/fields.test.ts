import { expect, test } from 'vitest'

import { changeOf, type Fields } from './fields'

const fields: Fields = {
  name: 'books',
  project_id: 'p',
  description: null,
  start_url: null,
  is_active: true,
  source: 'empty',
  entry_point: null,
  runner: 'auto',
  image: null,
  requirements_txt: null,
  timeout_seconds: 300,
  memory_limit_mb: null,
  cpu_limit: null,
  max_items: null,
  max_retries: 3,
  retry_delay_seconds: 60,
  overlap: 'skip',
  max_concurrent: null,
  misfire: 'run_once',
  dedup_enabled: false,
  dedup_fields: null,
  dedup_policy: 'keep_first',
  proxy_enabled: false,
  rate_limit_rps: null,
  autothrottle_enabled: false,
  webhook_url: null,
  params: '',
  item_schema: '{\n  "type": "object"\n}',
  env_vars: [{ name: 'KEY', value: '******' }],
  retention: { tasks: 5 },
}

test('what is as it was is not sent', () => {
  expect(changeOf(fields, { ...fields })).toEqual({})
  expect(changeOf(fields, { ...fields, description: '', retention: { tasks: 5, log_days: null } })).toEqual({})
})

test('what is another is sent as the API takes it', () => {
  const after: Fields = {
    ...fields,
    name: '图书',
    max_items: 10,
    params: '{"pages": 2}',
    item_schema: ' ',
    env_vars: [...fields.env_vars, { name: 'MODE', value: 'fast' }],
    retention: {},
  }
  expect(changeOf(fields, after)).toEqual({
    name: '图书',
    max_items: 10,
    params: { pages: 2 },
    item_schema: null,
    env_vars: { KEY: '******', MODE: 'fast' },
    retention: {},
  })
})

test('what is emptied is sent as nothing', () => {
  const before: Fields = { ...fields, entry_point: 'main:run', memory_limit_mb: 512 }
  expect(changeOf(before, { ...before, entry_point: '', memory_limit_mb: undefined })).toEqual({
    entry_point: null,
    memory_limit_mb: null,
  })
})
