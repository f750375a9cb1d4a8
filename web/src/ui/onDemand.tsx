import { lazy, Suspense, useState, type ComponentType, type ReactNode } from 'react'

import { missing } from '../app/Broken'

/** A part of a page whose code comes when it is shown; where it opens and closes (`isOpen`), when it opens first. */
export function onDemand<P extends object>(
  load: () => Promise<ComponentType<P>>,
  placeholder: ReactNode = null,
): ComponentType<P> {
  const Part = lazy(() => load().then((found) => ({ default: found }), missing)) as unknown as ComponentType<P>
  return function OnDemand(props: P) {
    const [isWanted, setIsWanted] = useState(false)
    if (!isWanted && !('isOpen' in props && props.isOpen === false)) setIsWanted(true)
    return (
      isWanted && (
        <Suspense fallback={placeholder}>
          <Part {...props} />
        </Suspense>
      )
    )
  }
}
