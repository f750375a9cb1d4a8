/** Whether the browser's session is alive. A page that is open when it ends stays as it is: its requests wait until
 * somebody has signed in again. */

type Listener = () => void

let waiting: { done: Promise<undefined>; resolve: (value: undefined) => void; reject: (reason: Error) => void } | null =
  null
const listeners = new Set<Listener>()

function tell() {
  for (const listener of listeners) listener()
}

/** Settles when somebody has signed in again; fails where they would not. */
export function signInAgain(): Promise<undefined> {
  if (waiting === null) {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    waiting = { done: promise, resolve, reject }
    tell()
  }
  return waiting.done
}

/** Lets all go on that waits. */
export function signedIn() {
  waiting?.resolve(undefined)
  waiting = null
  tell()
}

/** Lets all fail that waits. */
export function gaveUp(reason: Error) {
  waiting?.reject(reason)
  waiting = null
  tell()
}

export const isWaiting = () => waiting !== null

export function subscribe(listener: Listener) {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
