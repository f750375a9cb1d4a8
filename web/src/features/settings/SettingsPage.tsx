import { Flex } from 'antd'
import { useTranslation } from 'react-i18next'

import { PageHeader } from '../../ui/PageHeader'
import { useMay } from '../session/profile'
import { AboutSection } from './AboutSection'
import { AccountSection } from './account/AccountSection'
import { PasswordSection } from './account/PasswordSection'
import { PreferenceSection } from './account/PreferenceSection'
import { ServerSection } from './server/ServerSection'
import { StorageSection } from './storage/StorageSection'
import styles from './SettingsPage.module.css'

/** One's own account, and for admins how the server fares. */
export function SettingsPage() {
  const { t } = useTranslation()
  const isAdmin = useMay('admin')
  return (
    <>
      <PageHeader title={t('nav.settings')} />
      <div className={styles.sections}>
        <Flex vertical gap="middle">
          <AccountSection />
          <PasswordSection />
        </Flex>
        <Flex vertical gap="middle">
          <PreferenceSection />
          <AboutSection />
        </Flex>
      </div>
      {isAdmin && (
        <Flex vertical gap="middle">
          <StorageSection />
          <ServerSection />
        </Flex>
      )}
    </>
  )
}
