import { lazy, Suspense, useSyncExternalStore } from 'react'

import { isWaiting, subscribe } from '../../api/session'

const Dialog = lazy(() => import('./SignInDialog').then(({ SignInDialog }) => ({ default: SignInDialog })))

/** Over whatever page is open when the session ends: that page stays as it is. */
export function SignInAgain() {
  const isOpen = useSyncExternalStore(subscribe, isWaiting)
  return <Suspense>{isOpen && <Dialog />}</Suspense>
}
