import { Skeleton } from 'antd'
import { lazy, Suspense, useSyncExternalStore } from 'react'

import { isDark, subscribe } from '../app/preferences/theme'

const Monaco = lazy(() => import('./monaco/Editor'))
const MonacoDiff = lazy(() => import('./monaco/Diff'))

export interface CodeEditorProps {
  /** Where the text belongs: picks the language by its name, and keeps a history of its own. */
  path: string
  value: string
  onChange?: (value: string) => void
  /** Ctrl+S, or ⌘S. */
  onSave?: () => void
  isReadOnly?: boolean
  height?: number | string
  label: string
}

export interface DiffProps {
  path: string
  before: string
  after: string
  height?: number | string
}

const useIsDark = () => useSyncExternalStore(subscribe, isDark)

/** A text editor for code; it comes when the first one is shown. */
export function CodeEditor(props: CodeEditorProps) {
  const isDark = useIsDark()
  return (
    <Suspense fallback={<Skeleton active />}>
      <Monaco {...props} isDark={isDark} />
    </Suspense>
  )
}

/** Two versions of a file beside each other. */
export function CodeDiff(props: DiffProps) {
  const isDark = useIsDark()
  return (
    <Suspense fallback={<Skeleton active />}>
      <MonacoDiff {...props} isDark={isDark} />
    </Suspense>
  )
}
