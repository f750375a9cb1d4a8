import { Alert, Button, Descriptions, Flex, type DescriptionsProps } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, dataOf } from '../../api/client'
import { useChange } from '../../api/useChange'
import { ConfirmButton } from '../../ui/ConfirmButton'

import { TimeText } from '../../ui/TimeText'
import { clock } from './clock'
import { OWN_EDITOR, type CodeSession } from './session'
import { SessionStatus } from './SessionStatus'
import { useClosing } from './useClosing'
import { beat } from './useHeartbeat'
import { useToldSync } from './useToldSync'

interface Props {
  session: CodeSession
  onOpenAgain: () => void
  isOpening: boolean
}

/** How the caller's editor fares, and what can be done with it. */
export function EditorPanel({ session, onOpenAgain, isOpening }: Props) {
  const { t } = useTranslation('codeSessions')
  const spiderId = session.spider_id
  const params = { path: { spider_id: spiderId } }
  const told = useToldSync()
  const sync = useChange(() => dataOf(api.POST(`${OWN_EDITOR}/sync`, { params })), {
    refreshes: [OWN_EDITOR, '/platform/api/crawlhub/spiders/{id}/files'],
    onSuccess: told,
  })
  const stay = useChange(() => beat(spiderId, true), { refreshes: [OWN_EDITOR], done: t('stays') })
  const closing = useClosing((force) => dataOf(api.DELETE(OWN_EDITOR, { params: { ...params, query: { force } } })))
  const isReady = session.status === 'ready'
  const items: DescriptionsProps['items'] = [
    { key: 'status', label: t('column.status'), children: <SessionStatus status={session.status} /> },
    { key: 'since', label: t('openSince'), children: <TimeText at={session.created_at} isRelative /> },
    {
      key: 'saved',
      label: t('column.saved'),
      children: session.synced_at ? <TimeText at={session.synced_at} isRelative /> : t('notYet'),
    },
    { key: 'until', label: t('column.expires'), children: <TimeText at={session.expires_at} /> },
  ]
  const { warning } = session
  return (
    <Flex vertical gap="small" style={{ width: 320, maxWidth: '80vw' }}>
      <Descriptions size="small" column={1} items={items} />
      {warning && (
        <Alert
          type="warning"
          showIcon
          title={t(warning.reason === 'idle' ? 'warning.idle' : 'warning.expired', { at: clock(warning.at) })}
          action={
            warning.reason === 'idle' && (
              <Button size="small" loading={stay.isPending} onClick={() => stay.mutate(undefined)}>
                {t('stay')}
              </Button>
            )
          }
        />
      )}
      {session.sync_error && <Alert type="error" showIcon title={t('syncFailed')} description={session.sync_error} />}
      <Flex gap="small" wrap>
        <Button type="primary" size="small" disabled={!isReady} loading={isOpening} onClick={onOpenAgain}>
          {t('openAgain')}
        </Button>
        <Button size="small" disabled={!isReady} loading={sync.isPending} onClick={() => sync.mutate(undefined)}>
          {t('syncNow')}
        </Button>
        <ConfirmButton
          size="small"
          question={t('closeOwn')}
          consequence={t('closeHint')}
          confirmText={t('close')}
          disabled={session.status === 'syncing'}
          loading={closing.isClosing}
          onConfirm={closing.close}
        >
          {t('close')}
        </ConfirmButton>
      </Flex>
    </Flex>
  )
}
