/** Whether the server answers at all. */

type Listener = () => void

const PAUSE_MS = 2000

let lost = false
const listeners = new Set<Listener>()

function change(to: boolean) {
  if (lost === to) return
  lost = to
  for (const listener of listeners) listener()
}

export const isLost = () => lost

export function subscribe(listener: Listener) {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export const reached = () => change(false)

/** Asks until it answers again. */
export function unreachable() {
  if (lost) return
  change(true)
  const ask = () => {
    fetch('/healthz').then(
      (response) => (response.ok ? reached() : setTimeout(ask, PAUSE_MS)),
      () => setTimeout(ask, PAUSE_MS),
    )
  }
  setTimeout(ask, PAUSE_MS)
}
