import { ApiError, isPassing } from '../../api/errors'
import { isChanging, type CodeSession } from './session'

export interface Asking {
  /** Answers with a token, which opens the editor once. */
  ask: () => Promise<CodeSession>
  look: () => Promise<CodeSession>
  pause: () => Promise<unknown>
}

const MOST_FAILURES = 5

/** Where the editor is opened, once it is ready. What keeps it from becoming so is thrown. */
export async function addressOfReady(asking: Asking): Promise<string> {
  for (;;) {
    const session = await asking.ask()
    if (session.status === 'ready' && session.token) return addressOf(session.url, session.token)
    // Asked for again then: a token does not last as long as a start may take, and what was being closed is another one.
    await settled(session, asking)
  }
}

export function addressOf(url: string, token: string): string {
  return `${url}?tkn=${encodeURIComponent(token)}`
}

async function settled(session: CodeSession, { look, pause }: Asking): Promise<void> {
  let failures = 0
  let last = session
  while (isChanging(last)) {
    await pause()
    try {
      last = await look()
      failures = 0
    } catch (error) {
      const isGone = error instanceof ApiError && error.status === 404
      if (isGone && last.status === 'syncing') return
      failures += 1
      if (!isPassing(error) || failures >= MOST_FAILURES) throw error
    }
  }
}
