import { ClearOutlined } from '@ant-design/icons'
import { Alert, Flex, Progress } from 'antd'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { api, dataOf, type Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { ConfirmButton } from '../../../ui/ConfirmButton'
import { bytes, count } from '../../../ui/format'
import { removedKinds } from './removed'

/** Removes now what is kept no longer, and tells what that was. */
export function Cleaning() {
  const { t } = useTranslation('settings')
  const clean = useChange(() => dataOf(api.POST('/platform/api/storage/clean')), {
    refreshes: ['/platform/api/storage'],
  })
  return (
    <Flex vertical gap="small" align="start">
      <ConfirmButton
        danger={false}
        icon={<ClearOutlined />}
        question={t('clean.question')}
        consequence={t('clean.consequence')}
        confirmText={t('clean.start')}
        loading={clean.isPending}
        // Not awaited: the question is answered, and what goes on is told here.
        onConfirm={() => clean.mutate(undefined)}
      >
        {t('clean.start')}
      </ConfirmButton>
      <div role="status" style={{ width: '100%' }}>
        {clean.isPending && <Running />}
        {clean.isSuccess && <Result removed={clean.data} />}
      </div>
    </Flex>
  )
}

/** How far it is nobody knows; that it goes on is seen. */
function Running() {
  const { t } = useTranslation('settings')
  const [seconds, setSeconds] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => setSeconds((before) => before + 1), 1000)
    return () => clearInterval(timer)
  }, [])
  return (
    <>
      <Progress percent={100} status="active" showInfo={false} aria-label={t('clean.start')} />
      {t('clean.running', { seconds })}
    </>
  )
}

function Result({ removed }: { removed: Schemas['Removed'] }) {
  const { t } = useTranslation('settings')
  const parts = removedKinds(removed).map(([kind, many]) => `${t(`clean.removed.${kind}`)}: ${count(many)}`)
  if (removed.blob_bytes > 0) parts.push(t('clean.freed', { bytes: bytes(removed.blob_bytes) }))
  return (
    <Alert
      type="success"
      showIcon
      title={t('clean.done')}
      description={parts.length > 0 ? parts.join(' · ') : t('clean.nothing')}
    />
  )
}
