import { SendOutlined } from '@ant-design/icons'
import { App, Button } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, dataOf, type Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { errorText } from '../../../ui/errorText'
import { CHANNELS_PATH } from '../addresses'

/** Sends a message now, and tells what became of it: why not stays until it is closed. */
export function TestButton({ channel: { id, name } }: { channel: Schemas['Channel'] }) {
  const { t } = useTranslation('alerts')
  const { t: c } = useTranslation()
  const { notification } = App.useApp()
  const test = useChange(() => dataOf(api.POST(`${CHANNELS_PATH}/{id}/test`, { params: { path: { id } } })), {
    isQuiet: true,
    onSuccess: ({ status, latency_ms: ms }) =>
      notification.success({
        title: t('channels.tested', { name }),
        description: status ? t('channels.testedDetail', { ms, status }) : t('channels.testedMail', { ms }),
      }),
  })
  const run = () =>
    test.mutate(undefined, {
      onError: (error) =>
        notification.error({
          title: t('channels.testFailed', { name }),
          description: errorText(error),
          duration: false,
        }),
    })
  return (
    <Button size="small" icon={<SendOutlined />} loading={test.isPending} onClick={run}>
      {c('action.test')}
    </Button>
  )
}
