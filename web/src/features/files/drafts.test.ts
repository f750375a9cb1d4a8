import { expect, test } from 'vitest'

import { draftsAfter, type DraftChange, type Drafts } from './drafts'

const after = (...changes: DraftChange[]) => changes.reduce<Drafts>(draftsAfter, {})
const edited = (text: string, base = 'old', baseHash = 'h1'): DraftChange => ({
  type: 'edited',
  path: 'main.py',
  text,
  base,
  baseHash,
})

test('a change keeps what it started from, whatever is read again meanwhile', () => {
  expect(after(edited('new'), edited('newer', 'of another', 'h2'))).toEqual({
    'main.py': { text: 'newer', base: 'old', baseHash: 'h1' },
  })
})

test('what is as it was is no change', () => {
  expect(after(edited('new'), edited('old'))).toEqual({})
})

test('what was saved is no draft any more', () => {
  expect(after(edited('new'), { type: 'saved', path: 'main.py', text: 'new', hash: 'h2' })).toEqual({})
})

test('what was typed while it was being saved stays a draft of what was saved', () => {
  expect(after(edited('new and more'), { type: 'saved', path: 'main.py', text: 'new', hash: 'h2' })).toEqual({
    'main.py': { text: 'new and more', base: 'new', baseHash: 'h2' },
  })
})

test('a draft moves with its file, and is dropped alone', () => {
  const moved = after(edited('new'), { type: 'moved', path: 'main.py', to: 'src/main.py' })
  expect(Object.keys(moved)).toEqual(['src/main.py'])
  expect(draftsAfter(moved, { type: 'dropped', path: 'main.py' })).toEqual(moved)
  expect(draftsAfter(moved, { type: 'dropped', path: 'src/main.py' })).toEqual({})
})
