import { expect, test } from 'vitest'

import { accessOf } from './access'

test('one way in replaces the other', () => {
  expect(accessOf({ access: 'keep', git_token: 'typed before' })).toEqual({})
  expect(accessOf({ access: 'none' })).toEqual({ git_token: '', git_key: '' })
  expect(accessOf({ access: 'token', git_token: ' user:abc ', git_key: 'k' })).toEqual({
    git_token: 'user:abc',
    git_key: '',
  })
  expect(accessOf({ access: 'key', git_key: '-----BEGIN\nx\n-----END' })).toEqual({
    git_token: '',
    git_key: '-----BEGIN\nx\n-----END\n',
  })
})
