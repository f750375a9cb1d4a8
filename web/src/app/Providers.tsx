import { type QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { App, ConfigProvider, theme as looks } from 'antd'
import enUS from 'antd/locale/en_US'
import zhCN from 'antd/locale/zh_CN'
import { useSyncExternalStore, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import { isDark, subscribe } from './preferences/theme'

const FONTS =
  'system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "WenQuanYi Micro Hei", sans-serif'

/** As text on their grounds these can be read; grounds made from them would be grey. */
const LIGHT_SIGNALS = {
  colorSuccess: '#2b7d0f',
  colorSuccessBg: '#f6ffed',
  colorSuccessBorder: '#b7eb8f',
  colorWarning: '#945800',
  colorWarningBg: '#fffbe6',
  colorWarningBorder: '#ffe58f',
  colorInfo: '#1461cc',
  colorInfoBg: '#e6f4ff',
  colorInfoBorder: '#91caff',
  colorErrorBg: '#fff2f0',
  colorErrorBorder: '#ffccc7',
}

/** The look, the language and the cache that all pages share. */
export function Providers({ client, children }: { client: QueryClient; children: ReactNode }) {
  const { i18n } = useTranslation()
  const dark = useSyncExternalStore(subscribe, isDark)
  const isChinese = i18n.language === 'zh-CN'
  return (
    <ConfigProvider
      locale={isChinese ? zhCN : enUS}
      theme={{
        algorithm: dark ? looks.darkAlgorithm : looks.defaultAlgorithm,
        token: {
          // What waits for the end of a motion does not wait where there is none (main.css).
          motion: !matchMedia('(prefers-reduced-motion: reduce)').matches,
          colorPrimary: '#1668dc',
          // As text these are read on grey, too.
          colorError: dark ? '#ff7875' : '#cf1322',
          ...(dark ? { colorInfo: '#4c9bff' } : LIGHT_SIGNALS),
          colorLink: dark ? '#4c9bff' : '#1461cc',
          fontFamily: FONTS,
          colorTextDescription: dark ? '#a6a6a6' : '#5f5f5f',
          colorTextTertiary: dark ? '#a6a6a6' : '#5f5f5f',
          colorTextSecondary: dark ? '#a6a6a6' : '#5f5f5f',
          colorTextPlaceholder: dark ? '#8c8c8c' : '#737373',
        },
        components: {
          // To be told from the page's own ground.
          Segmented: { trackBg: dark ? '#262626' : '#e8e8e8' },
          Layout: { siderBg: dark ? '#141414' : '#fff' },
          ...(dark ? { Menu: { itemSelectedColor: '#69b1ff' }, Tabs: { itemSelectedColor: '#69b1ff' } } : {}),
        },
      }}
      button={{ autoInsertSpace: false }}
    >
      <App notification={{ placement: 'bottomRight' }} message={{ duration: 5 }}>
        <QueryClientProvider client={client}>{children}</QueryClientProvider>
      </App>
    </ConfigProvider>
  )
}
