import { useMutation, useQueryClient } from '@tanstack/react-query'
import { App, Button } from 'antd'
import { useTranslation } from 'react-i18next'

import { ApiError } from '../../api/errors'
import { errorText } from '../../ui/errorText'
import { openWaitingWindow } from '../../ui/waitingWindow'
import { addressOfReady } from './opening'
import { askForEditor, lookAtEditor, ownEditorKey, type CodeSession } from './session'

const LOOK_EVERY_MS = 1000

/** Opens the caller's editor of the spider in a window of its own: `open` is to be called right from the click. */
export function useOpening(spiderId: string) {
  const { t } = useTranslation('codeSessions')
  const client = useQueryClient()
  const { notification } = App.useApp()
  const known = (session: CodeSession) => {
    client.setQueryData(ownEditorKey(spiderId), session)
    return session
  }
  const opening = useMutation({
    mutationFn: (opened: Window | null) =>
      addressOfReady({
        ask: async () => known(await askForEditor(spiderId)),
        look: async () => known(await lookAtEditor(spiderId)),
        pause: () => new Promise((resolve) => setTimeout(resolve, opened?.closed === false ? LOOK_EVERY_MS : 2000)),
      }),
    onSuccess: (address, opened) => {
      if (opened?.closed === false) return opened.location.replace(address)
      const key = `editor-${spiderId}`
      const done = () => notification.destroy(key)
      notification.success({
        key,
        title: t('isReady'),
        description: t(opened ? 'windowClosed' : 'windowBlocked'),
        duration: false,
        actions: (
          <Button type="primary" size="small" href={address} target="_blank" rel="noopener" onClick={done}>
            {t('openNow')}
          </Button>
        ),
      })
    },
    onError: async (error, opened) => {
      opened?.close()
      const needsDocker = error instanceof ApiError && error.status === 503
      notification.error({
        title: t('notOpened'),
        description: (
          <>
            {errorText(error)}
            {needsDocker && <div>{t('needsDocker')}</div>}
          </>
        ),
        duration: false,
      })
      await client.invalidateQueries({ queryKey: ownEditorKey(spiderId) })
    },
  })
  return {
    isOpening: opening.isPending,
    open: () => opening.mutate(openWaitingWindow(t('editOnline'), t('waitHere'))),
  }
}
