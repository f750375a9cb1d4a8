import { expect, test } from 'vitest'

import { asked, changesOf } from './sides'

const file = (path: string, hash = path) => ({ path, hash, size: 1, executable: false, content_type: 'text/plain' })
const diff = {
  version: 2,
  added: [file('b.py')],
  removed: [file('c.py')],
  changed: [{ path: 'a.py', from: file('a.py', 'old'), to: file('a.py', 'new') }],
  settings: [{ name: 'entry_point', from: '', to: 'main.py' }],
}

test('what to ask the server for', () => {
  expect(asked('v1', 'v2')).toEqual({ version: 'v2', against: 'v1', isTurned: false })
  expect(asked('files', 'v2')).toEqual({ version: 'v2', against: 'files', isTurned: false })
  expect(asked('v2', 'files')).toEqual({ version: 'v2', against: 'files', isTurned: true })
  expect(asked('v2', 'v2')).toBeNull()
})

test('all that differs, by path', () => {
  const { files, settings } = changesOf(diff, false)
  expect(files.map(({ path, kind, before, after }) => [path, kind, before?.hash, after?.hash])).toEqual([
    ['a.py', 'changed', 'old', 'new'],
    ['b.py', 'added', undefined, 'b.py'],
    ['c.py', 'removed', 'c.py', undefined],
  ])
  expect(settings).toEqual(diff.settings)
})

test('the other way round', () => {
  const { files, settings } = changesOf(diff, true)
  expect(files.map(({ path, kind, before, after }) => [path, kind, before?.hash, after?.hash])).toEqual([
    ['a.py', 'changed', 'new', 'old'],
    ['b.py', 'removed', 'b.py', undefined],
    ['c.py', 'added', undefined, 'c.py'],
  ])
  expect(settings).toEqual([{ name: 'entry_point', from: 'main.py', to: '' }])
})
