import { useState } from 'react'

/** For things that have an id. */
export const sameId = (one: { id: string }, other: { id: string }) => one.id === other.id

/** What a dialog edits; null: something new. It is still known while the dialog closes. Given `rows`, in which `isSame` finds
 * it, it is as it is there now, and not as it was when the dialog was opened. */
export function useEdited<T>(rows: readonly T[] = [], isSame: (one: T, other: T) => boolean = Object.is) {
  const [opened, setOpened] = useState<T | null>(null)
  const [isOpen, setIsOpen] = useState(false)
  const open = (next: T | null) => {
    setOpened(next)
    setIsOpen(true)
  }
  const edited = opened && (rows.find((row) => isSame(row, opened)) ?? opened)
  return { edited, isOpen, edit: open, create: () => open(null), close: () => setIsOpen(false) }
}
