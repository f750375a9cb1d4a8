import { expect, test } from 'vitest'

import { ApiError } from '../../../api/errors'
import { locate } from './locate'

test('variables and rules are found in the form', () => {
  const locs = ['body.env_vars.B_KEY', 'body.env_vars', 'body.error_rules.2', 'body.error_rules', 'body.name']
  const refused = new ApiError(
    422,
    'validation_failed',
    'no',
    locs.map((loc) => ({ loc, msg: 'no' })),
  )
  const vars = ['A', 'B_KEY '].map((name) => ({ name, value: '' }))
  const found = locate(refused, { env_vars: vars }) as ApiError
  expect(found.details.map(({ loc }) => loc)).toEqual([
    'body.env_vars.1.name',
    'body.env_vars',
    'body.error_rules.2.pattern',
    'body.error_rules',
    'body.name',
  ])
})

test('what is no answer stays what it is', () => {
  const error = new Error('broken')
  expect(locate(error, { env_vars: [] })).toBe(error)
})
