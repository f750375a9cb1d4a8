import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Card, Descriptions } from 'antd'
import { useTranslation } from 'react-i18next'

import { get, type Schemas } from '../../../api/client'
import { TimeText } from '../../../ui/TimeText'

export function Facts({ spider }: { spider: Schemas['Spider'] }) {
  const { t } = useTranslation('spiders')
  const { t: c } = useTranslation()
  const project = useQuery(
    get('/platform/api/crawlhub/projects/{id}', { params: { path: { id: spider.project_id } } }),
  ).data
  const path = { id: spider.id, deployment_id: spider.active_deployment_id ?? '' }
  const version = useQuery({
    ...get('/platform/api/crawlhub/spiders/{id}/deployments/{deployment_id}', { params: { path } }),
    enabled: !!spider.active_deployment_id,
  }).data
  return (
    <Card title={t('facts')} style={{ height: '100%' }}>
      <Descriptions
        column={1}
        size="small"
        items={[
          {
            key: 'project',
            label: t('project'),
            children: (
              <Link to="/spiders" search={{ project_id: spider.project_id }}>
                <bdi>{project?.name ?? '…'}</bdi>
              </Link>
            ),
          },
          { key: 'source', label: t('source'), children: t(`sources.${spider.source}`) },
          {
            key: 'version',
            label: t('version'),
            children: (
              <Link to="/spiders/$spiderId/versions" params={{ spiderId: spider.id }}>
                {version ? `v${version.version}` : t('filesAsTheyAre')}
              </Link>
            ),
          },
          { key: 'entry', label: t('settings.entryPoint'), children: <code>{spider.entry_point || 'main.py'}</code> },
          { key: 'runner', label: t('settings.runner'), children: t(`settings.runners.${spider.runner}`) },
          { key: 'timeout', label: t('settings.timeout'), children: spider.timeout_seconds },
          { key: 'url', label: t('startUrl'), children: spider.start_url || c('word.none') },
          { key: 'changed', label: c('word.updatedAt'), children: <TimeText at={spider.updated_at} isRelative /> },
        ]}
      />
    </Card>
  )
}
