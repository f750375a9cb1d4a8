import { BgColorsOutlined, GlobalOutlined } from '@ant-design/icons'
import { Button, Dropdown } from 'antd'
import { useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'

import { LANGUAGES, setLanguage, type Language } from '../../i18n'
import { currentTheme, setTheme, subscribe, type Theme } from './theme'

export function LanguageMenu() {
  const { t, i18n } = useTranslation()
  const items = Object.entries(LANGUAGES).map(([key, label]) => ({ key, label: <span lang={key}>{label}</span> }))
  const choose = ({ key }: { key: string }) => void setLanguage(key as Language)
  return (
    <Dropdown trigger={['click']} menu={{ items, selectable: true, selectedKeys: [i18n.language], onClick: choose }}>
      <Button type="text" icon={<GlobalOutlined />} aria-label={t('preference.language')} />
    </Dropdown>
  )
}

export function ThemeMenu() {
  const { t } = useTranslation()
  const theme = useSyncExternalStore(subscribe, currentTheme)
  const items = (['system', 'light', 'dark'] as const).map((key) => ({ key, label: t(`preference.${key}`) }))
  const choose = ({ key }: { key: string }) => setTheme(key as Theme)
  return (
    <Dropdown trigger={['click']} menu={{ items, selectable: true, selectedKeys: [theme], onClick: choose }}>
      <Button type="text" icon={<BgColorsOutlined />} aria-label={t('preference.theme')} />
    </Dropdown>
  )
}
