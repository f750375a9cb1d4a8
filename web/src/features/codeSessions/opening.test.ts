import { expect, test } from 'vitest'

import { ApiError, Unreachable } from '../../api/errors'
import { addressOfReady } from './opening'
import type { CodeSession } from './session'

type Step = Partial<CodeSession> | Error

function scripted(asked: Step[], looked: Step[]) {
  const next = (steps: Step[]) => () => {
    const step = steps.shift()
    if (step instanceof Error) return Promise.reject(step)
    return Promise.resolve({ url: '/code-server/1/', ...step } as CodeSession)
  }
  return { ask: next(asked), look: next(looked), pause: () => Promise.resolve() }
}

const gone = new ApiError(404, 'no_code_session', 'the last one has failed: no space')

test('an editor that is open is opened at once', async () => {
  const asking = scripted([{ status: 'ready', token: 'a b' }], [])
  expect(await addressOfReady(asking)).toBe('/code-server/1/?tkn=a%20b')
})

test('one that starts is waited for, and opened with a new token', async () => {
  const asking = scripted(
    [
      { status: 'pending', token: 'old' },
      { status: 'ready', token: 'new' },
    ],
    [{ status: 'starting' }, new Unreachable(), { status: 'ready' }],
  )
  expect(await addressOfReady(asking)).toBe('/code-server/1/?tkn=new')
})

test('one that is being closed gives way to another', async () => {
  const asking = scripted([{ status: 'syncing' }, { status: 'ready', token: 't' }], [{ status: 'syncing' }, gone])
  expect(await addressOfReady(asking)).toBe('/code-server/1/?tkn=t')
})

test('why a start failed is told', async () => {
  await expect(addressOfReady(scripted([{ status: 'pending' }], [{ status: 'starting' }, gone]))).rejects.toBe(gone)
})

test('a server that stays away is not waited for without end', async () => {
  const away = Array.from({ length: 9 }, () => new Unreachable())
  await expect(addressOfReady(scripted([{ status: 'pending' }], away))).rejects.toBeInstanceOf(Unreachable)
})
