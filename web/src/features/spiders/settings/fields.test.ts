import { expect, test } from 'vitest'

import { changeOf, type Fields } from './fields'

const fields: Fields = {
  name: 'books',
  project_id: 'p',
  description: null,
  start_url: null,
  is_active: true,
  source: 'empty',
  git_repo: null,
  entry_point: null,
  runner: 'auto',
  node_id: null,
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
  webhook_url: null,
  params: '',
  item_schema: '{\n  "type": "object"\n}',
  env_vars: [{ name: 'KEY', value: '******' }],
  error_rules: [{ exit_code: 3, category: 'network' }],
  node_labels: ['cn'],
  retry_limits: { network: 5, auth: null },
  retention: { tasks: 5, log_days: null },
}

test('what is as it was is not sent, however it is written', () => {
  expect(changeOf(fields, { ...fields })).toEqual({})
  expect(
    changeOf(fields, {
      ...fields,
      description: '',
      item_schema: '{"type":"object"}',
      retention: { log_days: null, quota_mb: null, tasks: 5 },
      error_rules: [{ category: 'network', exit_code: 3, pattern: '' }],
    }),
  ).toEqual({})
})

test('what is another is sent as the API takes it', () => {
  const after: Fields = {
    ...fields,
    name: '图书',
    max_items: 10,
    params: '{"pages": 2}',
    item_schema: ' ',
    env_vars: [...fields.env_vars, { name: 'MODE', value: 'fast' }],
    error_rules: [{ pattern: 'banned', exit_code: null, category: 'auth' }],
    retry_limits: { network: null, parse: 0 },
    retention: { tasks: null, item_days: 0 },
  }
  expect(changeOf(fields, after)).toEqual({
    name: '图书',
    max_items: 10,
    params: { pages: 2 },
    item_schema: null,
    env_vars: { KEY: '******', MODE: 'fast' },
    error_rules: [{ pattern: 'banned', category: 'auth' }],
    retry_limits: { parse: 0 },
    retention: { item_days: 0 },
  })
})

test('what is emptied is sent as nothing', () => {
  const before: Fields = { ...fields, entry_point: 'main:run', memory_limit_mb: 512 }
  expect(changeOf(before, { ...before, entry_point: '', memory_limit_mb: undefined })).toEqual({
    entry_point: null,
    memory_limit_mb: null,
  })
})

test('JSON that cannot be read yet is a change', () => {
  expect(changeOf(fields, { ...fields, params: '{', item_schema: '[' })).toEqual({ params: '{', item_schema: '[' })
})

test('rules count in their order, variables do not', () => {
  const rules: Fields['error_rules'] = [
    { exit_code: 1, category: 'auth' },
    { exit_code: 2, category: 'parse' },
  ]
  const vars = ['A', 'B'].map((name) => ({ name, value: '1' }))
  const before: Fields = { ...fields, error_rules: rules, env_vars: vars }
  expect(changeOf(before, { ...before, env_vars: vars.toReversed() })).toEqual({})
  expect(Object.keys(changeOf(before, { ...before, error_rules: rules.toReversed() }))).toEqual(['error_rules'])
})
