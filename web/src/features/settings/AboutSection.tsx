import { Flex } from 'antd'
import { useTranslation } from 'react-i18next'

import { Section } from './Section'

export function AboutSection() {
  const { t } = useTranslation('settings')
  return (
    <Section title={t('about.title')}>
      <Flex vertical gap={4}>
        <span>{t('about.what')}</span>
        <a href="/docs/">{t('about.docs')}</a>
      </Flex>
    </Section>
  )
}
