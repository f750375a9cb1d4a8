import { useQueryClient } from '@tanstack/react-query'
import { useRouter, useSearch } from '@tanstack/react-router'
import { Card, Flex, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { LanguageMenu, ThemeMenu } from '../../app/preferences/PreferencesMenu'
import { useDocumentTitle } from '../../ui/useDocumentTitle'
import { SignInForm } from './SignInForm'

export function SignInPage() {
  const { t } = useTranslation()
  const { next } = useSearch({ from: '/login' })
  const router = useRouter()
  const client = useQueryClient()
  useDocumentTitle(t('session.signIn'))
  const enter = () => {
    client.clear()
    void router.navigate({ href: next ?? '/', replace: true })
  }
  return (
    <Flex
      component="main"
      vertical
      align="center"
      justify="center"
      gap="large"
      style={{ minHeight: '100vh', padding: 16 }}
    >
      <Flex vertical align="center">
        <img src="/favicon.svg" alt="" width={48} height={48} />
        <Typography.Title level={1} style={{ fontSize: 28, margin: '8px 0 0' }}>
          CrawlHub
        </Typography.Title>
        <Typography.Text type="secondary" style={{ textAlign: 'center' }}>
          {t('session.lead')}
        </Typography.Text>
      </Flex>
      <Card style={{ width: 'min(400px, 100%)' }}>
        <SignInForm onSignedIn={enter} />
      </Card>
      <Typography.Text type="secondary" style={{ textAlign: 'center' }}>
        {t('session.firstStart')}
      </Typography.Text>
      <Flex>
        <LanguageMenu />
        <ThemeMenu />
      </Flex>
    </Flex>
  )
}
