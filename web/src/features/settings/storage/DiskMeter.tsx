import { Flex, Progress, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../../api/client'
import { bytes } from '../../../ui/format'

export function DiskMeter({ disk: { total, free, min_free, brake } }: { disk: Schemas['Room'] }) {
  const { t } = useTranslation('settings')
  const used = total > 0 ? Math.round((1 - free / total) * 100) : 0
  return (
    <div>
      <Flex justify="space-between" gap="small" wrap>
        <span>{t('storage.disk')}</span>
        <strong>{t('storage.diskFree', { free: bytes(free), total: bytes(total) })}</strong>
      </Flex>
      <Progress percent={used} status={brake ? 'exception' : 'normal'} aria-label={t('storage.disk')} />
      {min_free > 0 && (
        <Typography.Text type="secondary">{t('storage.diskReserve', { min: bytes(min_free) })}</Typography.Text>
      )}
    </div>
  )
}
