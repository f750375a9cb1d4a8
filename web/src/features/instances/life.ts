import type { Instance } from './addresses'

const SOON_MS = 2000
const LATER_MS = 15_000

/** Whether it becomes something else soon, without anybody doing anything. */
const isChanging = ({ status, restart_at }: Instance) => status === 'creating' || !!restart_at

/** When it is looked at again how they are. */
export const lookAgain = (instances: readonly Instance[]) => (instances.some(isChanging) ? SOON_MS : LATER_MS)

/** Why it does not run: the reason, and what it printed last. */
export function troubleOf({
  error_message,
}: Pick<Instance, 'error_message'>): { reason: string; lines: string } | null {
  if (!error_message) return null
  const end = error_message.indexOf('\n')
  if (end < 0) return { reason: error_message, lines: '' }
  return { reason: error_message.slice(0, end), lines: error_message.slice(end + 1) }
}
