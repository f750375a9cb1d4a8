import { useState } from 'react'

/** What a dialog edits; null: something new. It is still known while the dialog closes. */
export function useEdited<T>() {
  const [edited, setEdited] = useState<T | null>(null)
  const [isOpen, setIsOpen] = useState(false)
  const open = (next: T | null) => {
    setEdited(next)
    setIsOpen(true)
  }
  return { edited, isOpen, edit: open, create: () => open(null), close: () => setIsOpen(false) }
}
