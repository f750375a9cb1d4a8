import { useQueryClient } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { Modal, Typography } from 'antd'
import { useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'

import { ApiError } from '../../api/errors'
import { gaveUp, isWaiting, signedIn, subscribe } from '../../api/session'
import { profile, useProfile } from './profile'
import { SignInForm } from './SignInForm'

/** Over whatever page is open when the session ends: that page stays as it is. */
export function SignInAgain() {
  const { t } = useTranslation()
  const isOpen = useSyncExternalStore(subscribe, isWaiting)
  const before = useProfile()
  const client = useQueryClient()
  const router = useRouter()
  const goOn = async () => {
    const now = await client.query({ ...profile(), staleTime: 0 })
    // What is on the page is not this user's.
    if (before && now.id !== before.id) location.reload()
    else signedIn()
  }
  const leave = () => {
    gaveUp(new ApiError(401, 'unauthenticated', t('session.ended')))
    void router.navigate({ to: '/login', search: { next: router.state.location.href } })
  }
  return (
    <Modal
      open={isOpen}
      title={t('session.again')}
      footer={null}
      onCancel={leave}
      mask={{ closable: false }}
      destroyOnHidden
      width={400}
    >
      <Typography.Paragraph type="secondary">{t('session.againHint')}</Typography.Paragraph>
      <SignInForm email={before?.email} onSignedIn={() => void goOn()} />
    </Modal>
  )
}
