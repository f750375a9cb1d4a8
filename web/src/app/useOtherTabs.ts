import { useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'

import { refresh } from '../api/client'
import { signInAgain } from '../api/session'
import { hearTabs } from '../api/tabs'
import { goOn } from '../features/session/goOn'

/** Keeps this tab to what has become of things in another one. */
export function useOtherTabs() {
  const client = useQueryClient()
  useEffect(
    () =>
      hearTabs((news) => {
        if ('changed' in news) void refresh(client, ...news.changed)
        else if (news.session === 'begun') void goOn(client)
        // What is not saved here is not lost to it.
        else signInAgain().catch(() => undefined)
      }),
    [client],
  )
}
