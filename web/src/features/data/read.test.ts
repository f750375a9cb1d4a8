import { expect, test } from 'vitest'

import { addressOf } from './read'

test('a list is as many parameters, and what is not given is none', () => {
  expect(
    addressOf('/data', { spider_id: 'a', q: undefined, filter: ['price:gt:10', 'name:eq:a&b'], is_test: false }),
  ).toBe('/data?spider_id=a&filter=price%3Agt%3A10&filter=name%3Aeq%3Aa%26b&is_test=false')
  expect(addressOf('/data', { q: '' })).toBe('/data')
})
