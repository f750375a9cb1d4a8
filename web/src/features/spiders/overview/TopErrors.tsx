import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Card, Flex, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { get } from '../../../api/client'
import { EmptyState } from '../../../ui/EmptyState'
import { Loaded } from '../../../ui/Loaded'
import { TimeText } from '../../../ui/TimeText'

const MOST = 5

/** What goes wrong, by kind. */
export function TopErrors({ spiderId }: { spiderId: string }) {
  const { t } = useTranslation('spiders')
  const { t: c } = useTranslation()
  const query = useQuery(
    get('/platform/api/crawlhub/spiders/{id}/errors', {
      params: { path: { id: spiderId }, query: { page_size: MOST } },
    }),
  )
  return (
    <Card
      title={t('topErrors')}
      style={{ height: '100%' }}
      extra={
        <Link to="/spiders/$spiderId/errors" params={{ spiderId }}>
          {c('action.showAll')}
        </Link>
      }
    >
      <Loaded query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState title={t('noErrors')} />
          ) : (
            <Flex vertical gap="small">
              {items.map(({ fingerprint, title, count, last_seen }) => (
                <div key={fingerprint}>
                  <Typography.Text ellipsis={{ tooltip: true }} style={{ display: 'block' }}>
                    {title}
                  </Typography.Text>
                  <Typography.Text type="secondary">
                    {t('times', { count })} · <TimeText at={last_seen} isRelative />
                  </Typography.Text>
                </div>
              ))}
            </Flex>
          )
        }
      </Loaded>
    </Card>
  )
}
