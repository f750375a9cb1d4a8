import { App } from 'antd'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../api/client'
import { ApiError } from '../../api/errors'
import { useChange } from '../../api/useChange'
import { errorText } from '../../ui/errorText'
import { EDITORS, OWN_EDITOR } from './session'
import { useToldSync } from './useToldSync'

/** Closes an editor. Where its files cannot be saved it stays, and is only given up on another word. */
export function useClosing(close: (force: boolean) => Promise<Schemas['Synchronised']>) {
  const { t } = useTranslation('codeSessions')
  const { t: c } = useTranslation()
  const { modal, message } = App.useApp()
  const told = useToldSync()
  const closing = useChange(close, {
    refreshes: [EDITORS, OWN_EDITOR, '/platform/api/crawlhub/spiders/{id}/files'],
    isQuiet: true,
    onSuccess: told,
  })
  const run = async (force: boolean): Promise<void> => {
    try {
      await closing.mutateAsync(force)
    } catch (error) {
      if (!(error instanceof ApiError && error.code === 'sync_failed')) return void message.error(errorText(error), 6)
      void modal.confirm({
        title: t('notSaved'),
        content: (
          <>
            <p>{error.message}</p>
            <p>{t('forceHint')}</p>
          </>
        ),
        okText: t('force'),
        okButtonProps: { danger: true },
        cancelText: c('action.cancel'),
        onOk: () => run(true),
      })
    }
  }
  return { isClosing: closing.isPending, close: () => run(false) }
}
