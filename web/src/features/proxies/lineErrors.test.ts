import { expect, test } from 'vitest'

import { ApiError } from '../../api/errors'
import { atLines } from './lineErrors'

const told = (line: number, msg: string) => `${line}: ${msg}`
const more = (count: number) => `${count} more`

test('what is wrong in lines is told of the text, as much as one reads', () => {
  const details = Array.from({ length: 7 }, (_, at) => ({ loc: `body.text.${at + 1}.host`, msg: 'no' }))
  const error = atLines(new ApiError(422, 'invalid', 'no', details), told, more) as ApiError
  expect(error.details.every(({ loc }) => loc === 'body.text')).toBe(true)
  expect(error.details.map(({ msg }) => msg)).toEqual(['1: no', '2: no', '3: no', '4: no', '5: no', '2 more'])
})

test('all else stays as it is', () => {
  const other = new ApiError(422, 'invalid', 'no', [{ loc: 'body.proxies', msg: 'none' }])
  expect(atLines(other, told, more)).toBe(other)
  const broken = new Error('x')
  expect(atLines(broken, told, more)).toBe(broken)
})
