import { LeftOutlined, MenuOutlined, RightOutlined } from '@ant-design/icons'
import { Outlet } from '@tanstack/react-router'
import { Button, Flex, Grid, Layout, theme } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { AlertBadge } from '../features/alerts/AlertBadge'
import { SignInAgain } from '../features/session/SignInAgain'
import { onDemand } from '../ui/onDemand'
import { ConnectionBanner } from './ConnectionBanner'
import { Navigation } from './Navigation'
import { LanguageMenu, ThemeMenu } from './preferences/PreferencesMenu'
import { UserMenu } from './UserMenu'
import { useOtherTabs } from './useOtherTabs'
import styles from './Shell.module.css'

const NavigationDrawer = onDemand(() => import('./NavigationDrawer').then((found) => found.NavigationDrawer))

const FOLDED = 'crawlhub.navigation.folded'

/** What stands around every page. */
export function Shell() {
  const { t } = useTranslation()
  const { token } = theme.useToken()
  useOtherTabs()
  const isWide = Grid.useBreakpoint().lg ?? innerWidth >= 992
  const [isOpen, setIsOpen] = useState(false)
  const [isFolded, setIsFolded] = useState(localStorage.getItem(FOLDED) === 'true')
  const fold = (to: boolean) => {
    localStorage.setItem(FOLDED, String(to))
    setIsFolded(to)
  }
  const look = { background: token.colorBgContainer, borderColor: token.colorBorderSecondary }
  return (
    <Layout style={{ minHeight: '100vh' }}>
      <a className={styles.skip} href="#main">
        {t('nav.skip')}
      </a>
      {isWide ? (
        <Layout.Sider
          collapsible
          collapsed={isFolded}
          onCollapse={fold}
          theme="light"
          // Where it is clicked is antd's own, which no key reaches.
          trigger={
            <Button
              type="text"
              block
              icon={isFolded ? <RightOutlined /> : <LeftOutlined />}
              aria-label={t('nav.collapse')}
              aria-pressed={isFolded}
            />
          }
          width={208}
          className={styles.side}
        >
          <Brand isShort={isFolded} />
          <Navigation />
        </Layout.Sider>
      ) : (
        <NavigationDrawer isOpen={isOpen} onClose={() => setIsOpen(false)} />
      )}
      <Layout style={{ minWidth: 0 }}>
        <Layout.Header className={styles.head} style={look}>
          {isWide ? (
            <span />
          ) : (
            <Button type="text" icon={<MenuOutlined />} aria-label={t('nav.menu')} onClick={() => setIsOpen(true)} />
          )}
          <Flex align="center">
            <AlertBadge />
            <LanguageMenu />
            <ThemeMenu />
            <UserMenu />
          </Flex>
        </Layout.Header>
        <ConnectionBanner />
        <main id="main" tabIndex={-1} className={styles.main}>
          <Outlet />
        </main>
      </Layout>
      <SignInAgain />
    </Layout>
  )
}

function Brand({ isShort }: { isShort: boolean }) {
  return (
    <Flex align="center" gap="small" className={styles.brand}>
      <img src="/favicon.svg" alt="" width={28} height={28} />
      {!isShort && <strong>CrawlHub</strong>}
    </Flex>
  )
}
