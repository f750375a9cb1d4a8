import { useRouter, type ErrorComponentProps } from '@tanstack/react-router'
import { Button } from 'antd'
import { useEffect, useRef, useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'

import { isLost, subscribe, unreachable } from '../api/connection'
import { EmptyState } from '../ui/EmptyState'
import { errorText } from '../ui/errorText'

/** A part of this program did not come. */
class PieceMissing extends Error {}

/** Said by a name of our own: the router would load the whole page again, which shows nothing where the server is away. */
export function missing(error: unknown): never {
  throw new PieceMissing(String(error))
}

/** Where a page cannot be shown: why, and a way on. A piece of it that does not come is of a server that is away, which is
 * waited for, or of one that is newer than this tab. */
export function Broken({ error }: ErrorComponentProps) {
  const { t } = useTranslation()
  const router = useRouter()
  const lost = useSyncExternalStore(subscribe, isLost)
  const wasLost = useRef(false)
  const isPieceMissing = error instanceof PieceMissing
  useEffect(() => {
    if (isPieceMissing) void fetch('/healthz').catch(unreachable)
  }, [isPieceMissing])
  useEffect(() => {
    if (wasLost.current && !lost) location.reload()
    wasLost.current = lost
  }, [lost])
  const again = () => (isPieceMissing ? location.reload() : void router.invalidate())
  return (
    <EmptyState
      title={t('error.title')}
      hint={isPieceMissing && lost ? t('error.unreachable') : errorText(error)}
      action={
        <Button type="primary" onClick={again}>
          {t('action.retry')}
        </Button>
      }
    />
  )
}
