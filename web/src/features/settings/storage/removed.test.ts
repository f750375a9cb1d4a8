import { expect, test } from 'vitest'

import openapi from '../../../../openapi.json'
import { removedKinds } from './removed'

const { properties } = openapi.components.schemas.Removed

test('only what something was removed of', () => {
  const nothing = Object.fromEntries(Object.keys(properties).map((kind) => [kind, 0])) as Parameters<
    typeof removedKinds
  >[0]
  expect(removedKinds(nothing)).toEqual([])
  expect(removedKinds({ ...nothing, logs: 2, blobs: 1, blob_bytes: 5 })).toEqual([
    ['logs', 2],
    ['blobs', 1],
  ])
})

test('whatever the server counts is told', () => {
  const all = Object.fromEntries(Object.keys(properties).map((kind) => [kind, 1])) as Parameters<typeof removedKinds>[0]
  const told = removedKinds(all).map(([kind]) => kind as string)
  expect([...told, 'blob_bytes'].sort()).toEqual(Object.keys(properties).sort())
})
