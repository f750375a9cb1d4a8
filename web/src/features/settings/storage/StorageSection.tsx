import { useQuery } from '@tanstack/react-query'
import { Alert, Flex, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { get } from '../../../api/client'
import { Loaded } from '../../../ui/Loaded'
import { Section } from '../Section'
import { Cleaning } from './Cleaning'
import { DiskMeter } from './DiskMeter'
import { Sizes } from './Sizes'
import { SpiderTable } from './SpiderTable'

/** What fills the disk. */
export function StorageSection() {
  const { t } = useTranslation('settings')
  const query = useQuery(get('/platform/api/storage'))
  return (
    <Section title={t('storage.title')}>
      <Loaded query={query}>
        {(storage) => (
          <Flex vertical gap="middle">
            {storage.disk.brake && (
              <Alert type="error" showIcon title={t('storage.brake')} description={t('storage.brakeHint')} />
            )}
            {storage.blobs_blocked_by && (
              <Alert type="warning" showIcon title={t('storage.blocked', { hash: storage.blobs_blocked_by })} />
            )}
            <DiskMeter disk={storage.disk} />
            <Sizes storage={storage} />
            <Cleaning />
            <div>
              <Typography.Title level={3} style={{ fontSize: 14 }}>
                {t('storage.largest')}
              </Typography.Title>
              <SpiderTable spiders={storage.spiders} />
            </div>
          </Flex>
        )}
      </Loaded>
    </Section>
  )
}
