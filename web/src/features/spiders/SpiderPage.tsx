import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Outlet } from '@tanstack/react-router'
import { Alert, Tag } from 'antd'
import { useTranslation } from 'react-i18next'

import { get } from '../../api/client'
import { Loaded } from '../../ui/Loaded'
import { PageHeader } from '../../ui/PageHeader'
import { EditOnlineButton } from '../codeSessions/EditOnlineButton'
import { useMay } from '../session/profile'
import { RunButton } from './header/RunButton'
import { SpiderTabs } from './header/SpiderTabs'

const route = getRouteApi('/inside/spiders/$spiderId')

/** What stands above every part of a spider. */
export function SpiderPage() {
  const { t } = useTranslation('spiders')
  const mayEdit = useMay('editor')
  const { spiderId: id } = route.useParams()
  const query = useQuery(get('/platform/api/crawlhub/spiders/{id}', { params: { path: { id } } }))
  return (
    <Loaded query={query}>
      {(spider) => (
        <>
          <PageHeader
            title={spider.name}
            tags={!spider.is_active && <Tag>{t('paused')}</Tag>}
            lead={spider.description && <bdi>{spider.description}</bdi>}
            actions={
              mayEdit && (
                <>
                  <EditOnlineButton spiderId={id} />
                  <RunButton spider={spider} />
                </>
              )
            }
          />
          {spider.over_quota && <Alert type="warning" showIcon title={t('overQuota')} style={{ marginBottom: 12 }} />}
          <SpiderTabs spiderId={id} />
          <Outlet />
        </>
      )}
    </Loaded>
  )
}
