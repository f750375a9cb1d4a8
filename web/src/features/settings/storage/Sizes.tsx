import { Descriptions, Flex, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../../api/client'
import { bytes, count, relative } from '../../../ui/format'

/** How much there is of what. */
export function Sizes({ storage }: { storage: Schemas['Storage'] }) {
  const { t } = useTranslation('settings')
  const { blobs } = storage
  const code = blobs ? (
    <Flex vertical>
      {bytes(blobs.bytes)}
      <Typography.Text type="secondary">
        {t('storage.blobsHint', { count: count(blobs.count), at: relative(blobs.counted_at) })}
      </Typography.Text>
    </Flex>
  ) : (
    t('storage.notCounted')
  )
  return (
    <Descriptions
      layout="vertical"
      colon={false}
      size="small"
      column={{ xs: 2, sm: 3, lg: 5 }}
      items={[
        { key: 'database', label: t('storage.database'), children: bytes(storage.database_bytes) },
        { key: 'items', label: t('storage.items'), children: bytes(storage.items_bytes) },
        { key: 'logs', label: t('storage.logs'), children: bytes(storage.logs_bytes) },
        { key: 'files', label: t('storage.files'), children: bytes(storage.files_bytes) },
        { key: 'blobs', label: t('storage.blobs'), children: code },
      ]}
    />
  )
}
