import { expect, test } from 'vitest'

import { ApiError } from '../api/errors'
import { placeErrors } from './formErrors'

const refused = (...locs: string[]) =>
  new ApiError(
    422,
    'invalid',
    'no',
    locs.map((loc) => ({ loc, msg: `of ${loc}` })),
  )

test('what is said of a field is told there, and only what remains beside the form', () => {
  const { fields, rest } = placeErrors(refused('body.name', 'body.config.url', 'body.config.secret'), [
    ['name'],
    ['config', 'url'],
    ['role'],
  ])
  expect(fields).toEqual([
    { name: ['name'], errors: ['of body.name'] },
    { name: ['config', 'url'], errors: ['of body.config.url'] },
  ])
  expect(rest).toBeInstanceOf(ApiError)
  expect((rest as ApiError).details.map(({ loc }) => loc)).toEqual(['body.config.secret'])
  expect(placeErrors(refused('body.name'), [['name']]).rest).toBeNull()
})

test('what is said of no field is told beside the form', () => {
  const taken = refused()
  expect(placeErrors(taken, [['name']])).toEqual({ fields: [], rest: taken })
  const other = new Error('broken')
  expect(placeErrors(other, [['name']])).toEqual({ fields: [], rest: other })
})
