import { useNavigate } from '@tanstack/react-router'
import { Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../../api/client'
import { DeleteSpider } from '../DeleteSpider'

/** What cannot be taken back. */
export function DangerZone({ spider }: { spider: Schemas['Spider'] }) {
  const { t } = useTranslation('spiders')
  const navigate = useNavigate()
  return (
    <>
      <Typography.Paragraph type="secondary">{t('deleteHint')}</Typography.Paragraph>
      {/* What was typed is of no use any more: nobody is asked about it. */}
      <DeleteSpider spider={spider} onGone={() => navigate({ to: '/spiders', ignoreBlocker: true })}>
        {t('deleteSpider')}
      </DeleteSpider>
    </>
  )
}
