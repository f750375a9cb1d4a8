import { Descriptions, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { TimeText } from '../../../ui/TimeText'
import { useProfile } from '../../session/profile'
import { Section } from '../Section'

export function AccountSection() {
  const { t } = useTranslation('settings')
  const { t: c } = useTranslation()
  const own = useProfile()
  if (!own) return null
  return (
    <Section title={t('account.title')}>
      <Descriptions
        column={1}
        size="small"
        items={[
          { key: 'name', label: c('word.name'), children: <bdi>{own.name}</bdi> },
          { key: 'email', label: c('session.email'), children: <bdi>{own.email}</bdi> },
          { key: 'role', label: t('account.role'), children: c(`role.${own.role}`) },
          { key: 'since', label: t('account.since'), children: <TimeText at={own.created_at} /> },
        ]}
      />
      <Typography.Text type="secondary">{t('account.readOnly')}</Typography.Text>
    </Section>
  )
}
