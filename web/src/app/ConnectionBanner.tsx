import { useQueryClient } from '@tanstack/react-query'
import { Alert } from 'antd'
import { useEffect, useRef, useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'

import { isLost, subscribe } from '../api/connection'

/** Says that the server does not answer, for as long as that is so; then all that is shown is read again. */
export function ConnectionBanner() {
  const { t } = useTranslation()
  const client = useQueryClient()
  const lost = useSyncExternalStore(subscribe, isLost)
  const was = useRef(false)
  useEffect(() => {
    if (was.current && !lost) void client.invalidateQueries()
    was.current = lost
  }, [lost, client])
  return <div role="status">{lost && <Alert banner type="warning" title={t('error.lost')} />}</div>
}
