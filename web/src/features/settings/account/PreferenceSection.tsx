import { Flex, Segmented, Typography } from 'antd'
import { useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'

import { currentTheme, setTheme, subscribe, type Theme } from '../../../app/preferences/theme'
import { LANGUAGES, setLanguage, type Language } from '../../../i18n'
import { Section } from '../Section'

const THEMES: Theme[] = ['system', 'light', 'dark']

export function PreferenceSection() {
  const { t } = useTranslation('settings')
  const { t: c, i18n } = useTranslation()
  const theme = useSyncExternalStore(subscribe, currentTheme)
  return (
    <Section title={t('preference.title')}>
      <Flex vertical gap="small" align="start" style={{ marginBottom: 16 }}>
        {c('preference.language')}
        <Segmented<Language>
          aria-label={c('preference.language')}
          value={i18n.language as Language}
          options={(Object.keys(LANGUAGES) as Language[]).map((value) => ({
            value,
            label: <span lang={value}>{LANGUAGES[value]}</span>,
          }))}
          onChange={(value) => void setLanguage(value)}
        />
        {c('preference.theme')}
        <Segmented<Theme>
          aria-label={c('preference.theme')}
          value={theme}
          options={THEMES.map((value) => ({ value, label: c(`preference.${value}`) }))}
          onChange={setTheme}
        />
      </Flex>
      <Typography.Text type="secondary">{t('preference.hint')}</Typography.Text>
    </Section>
  )
}
