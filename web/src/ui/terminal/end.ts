/** Why a terminal is over. */
export type End =
  /** Its shell has ended. */
  | { kind: 'exit'; code: number }
  /** What it ran in is gone. */
  | { kind: 'gone' }
  /** The server wants no more of it. */
  | { kind: 'closed' }
  /** It was never open. */
  | { kind: 'refused' }
  /** Nobody said anything: the network, or the server, is away. */
  | { kind: 'lost' }

interface Parting {
  wasOpen: boolean
  exitCode: number | null
  /** Of the WebSocket. */
  closeCode: number
}

const NORMAL = 1000
const AWAY = 1001

export function endOf({ wasOpen, exitCode, closeCode }: Parting): End {
  if (exitCode !== null) return { kind: 'exit', code: exitCode }
  if (!wasOpen) return { kind: 'refused' }
  if (closeCode === NORMAL) return { kind: 'gone' }
  return { kind: closeCode === AWAY ? 'closed' : 'lost' }
}
