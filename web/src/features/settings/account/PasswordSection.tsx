import { Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { onDemand } from '../../../ui/onDemand'
import { Section } from '../Section'

const PasswordDialog = onDemand(() => import('./PasswordDialog').then((found) => found.PasswordDialog))

export function PasswordSection() {
  const { t } = useTranslation('settings')
  const { t: c } = useTranslation()
  const [isOpen, setIsOpen] = useState(false)
  return (
    <Section title={c('session.password')}>
      <Button onClick={() => setIsOpen(true)}>{t('password.change')}</Button>
      <PasswordDialog isOpen={isOpen} onClose={() => setIsOpen(false)} />
    </Section>
  )
}
