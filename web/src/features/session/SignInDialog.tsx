import { useQueryClient } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { Modal, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { ApiError } from '../../api/errors'
import { gaveUp } from '../../api/session'
import { goOn } from './goOn'
import { useProfile } from './profile'
import { SignInForm } from './SignInForm'

export function SignInDialog() {
  const { t } = useTranslation()
  const before = useProfile()
  const client = useQueryClient()
  const router = useRouter()
  const leave = () => {
    gaveUp(new ApiError(401, 'unauthenticated', t('session.ended')))
    void router.navigate({ to: '/login', search: { next: router.state.location.href } })
  }
  return (
    <Modal open title={t('session.again')} footer={null} onCancel={leave} mask={{ closable: false }} width={400}>
      <Typography.Paragraph type="secondary">{t('session.againHint')}</Typography.Paragraph>
      <SignInForm email={before?.email} onSignedIn={() => void goOn(client)} />
    </Modal>
  )
}
