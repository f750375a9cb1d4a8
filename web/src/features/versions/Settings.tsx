import { Descriptions, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../api/client'
import { CodeDiff } from '../../ui/CodeEditor'

/** How the spider is run, as far as that differs. */
export function ChangedSettings({ settings }: { settings: Schemas['ChangedSetting'][] }) {
  const { t } = useTranslation('versions')
  if (settings.length === 0) return null
  const names: Record<string, string> = {
    source: t('setting.source'),
    entry_point: t('setting.entry_point'),
    requirements_txt: t('setting.requirements_txt'),
  }
  return (
    <>
      <Typography.Title level={3} style={{ fontSize: 15 }}>
        {t('changedSettings')}
      </Typography.Title>
      <Descriptions
        bordered
        size="small"
        column={1}
        layout="vertical"
        items={settings.map(({ name, from, to }) => ({
          key: name,
          label: names[name] ?? name,
          children:
            name === 'requirements_txt' ? (
              <CodeDiff path={name} before={from} after={to} height={160} />
            ) : (
              <>
                <bdi>{from || t('unset')}</bdi> → <bdi>{to || t('unset')}</bdi>
              </>
            ),
        }))}
      />
    </>
  )
}
