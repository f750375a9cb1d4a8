import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, Outlet } from '@tanstack/react-router'
import { Alert, Tag } from 'antd'
import { useTranslation } from 'react-i18next'

import { Loaded } from '../../ui/Loaded'
import { PageHeader } from '../../ui/PageHeader'
import { EditOnlineButton } from '../codeSessions/EditOnlineButton'
import { useMay } from '../session/profile'
import { spiderOf } from './addresses'
import { RunButton } from './header/RunButton'
import { SpiderTabs } from './header/SpiderTabs'
import { LastTask } from './LastTask'
import { useLatestTasks } from './useLatestTasks'
import styles from './SpiderPage.module.css'

const route = getRouteApi('/inside/spiders/$spiderId')

/** What stands above every part of a spider. */
export function SpiderPage() {
  const { t } = useTranslation('spiders')
  const isEditor = useMay('editor')
  const { spiderId } = route.useParams()
  const query = useQuery(spiderOf(spiderId))
  const last = useLatestTasks([spiderId]).get(spiderId)
  return (
    <Loaded query={query}>
      {(spider) => (
        <>
          <PageHeader
            title={spider.name}
            tags={
              <>
                {!spider.is_active && <Tag>{t('paused')}</Tag>}
                {last && <LastTask task={last} />}
              </>
            }
            lead={spider.description && <bdi className={styles.lead}>{spider.description}</bdi>}
            actions={
              isEditor && (
                <>
                  <EditOnlineButton spiderId={spiderId} />
                  <RunButton spider={spider} />
                </>
              )
            }
          />
          {spider.over_quota && (
            <Alert
              type="warning"
              showIcon
              title={t('overQuota')}
              style={{ marginBottom: 12 }}
              action={
                <Link to="/spiders/$spiderId/settings" params={{ spiderId }} className={styles.inAlert}>
                  {t('tab.settings')}
                </Link>
              }
            />
          )}
          <SpiderTabs spiderId={spiderId} />
          <Outlet />
        </>
      )}
    </Loaded>
  )
}
