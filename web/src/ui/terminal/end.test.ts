import { expect, test } from 'vitest'

import { endOf } from './end'

test('why a terminal is over', () => {
  expect(endOf({ wasOpen: true, exitCode: 3, closeCode: 1000 })).toEqual({ kind: 'exit', code: 3 })
  expect(endOf({ wasOpen: true, exitCode: 0, closeCode: 1006 })).toEqual({ kind: 'exit', code: 0 })
  expect(endOf({ wasOpen: true, exitCode: null, closeCode: 1000 })).toEqual({ kind: 'gone' })
  expect(endOf({ wasOpen: true, exitCode: null, closeCode: 1001 })).toEqual({ kind: 'closed' })
  expect(endOf({ wasOpen: true, exitCode: null, closeCode: 1006 })).toEqual({ kind: 'lost' })
  // A browser says 1006 of any answer that is no socket.
  expect(endOf({ wasOpen: false, exitCode: null, closeCode: 1006 })).toEqual({ kind: 'refused' })
})
