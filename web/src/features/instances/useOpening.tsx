import { useMutation } from '@tanstack/react-query'
import { App, Button } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, dataOf } from '../../api/client'
import { errorText } from '../../ui/errorText'
import { openWaitingWindow } from '../../ui/waitingWindow'
import { INSTANCE } from './addresses'

/** Opens an instance in a window of its own: `open` is to be called right from the click. */
export function useOpening(prefix: string) {
  const { t } = useTranslation('instances')
  const { message, notification } = App.useApp()
  const opening = useMutation({
    mutationFn: async (opened: Window | null) => {
      const { url } = await dataOf(api.POST(`${INSTANCE}/open`, { params: { path: { prefix } } }))
      return { address: url, opened }
    },
    onSuccess: ({ address, opened }) => {
      if (opened?.closed === false) return opened.location.replace(address)
      const key = `instance-${prefix}`
      notification.info({
        key,
        title: t('ready', { prefix }),
        description: t(opened ? 'windowClosed' : 'windowBlocked'),
        duration: false,
        actions: (
          <Button
            type="primary"
            size="small"
            href={address}
            target="_blank"
            rel="noopener"
            onClick={() => notification.destroy(key)}
          >
            {t('open')}
          </Button>
        ),
      })
    },
    onError: (error, opened) => {
      opened?.close()
      message.error(errorText(error), 6)
    },
  })
  return {
    isOpening: opening.isPending,
    open: () => opening.mutate(openWaitingWindow(prefix, t('opening'))),
  }
}
