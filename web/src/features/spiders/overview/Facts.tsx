import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Descriptions, Tag, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { get, type Schemas } from '../../../api/client'
import { duration } from '../../../ui/format'
import { TimeText } from '../../../ui/TimeText'
import { NodeName } from '../../nodes/NodeName'
import { Section } from '../../settings/Section'
import { SPIDER } from '../addresses'
import { ProjectLink } from '../ProjectLink'
import styles from './rows.module.css'

export function Facts({ spider }: { spider: Schemas['Spider'] }) {
  const { t } = useTranslation('spiders')
  const { t: c } = useTranslation()
  const { id, description, source, entry_point, start_url } = spider
  const version = useQuery({
    ...get(`${SPIDER}/deployments/{deployment_id}`, {
      params: { path: { id, deployment_id: spider.active_deployment_id ?? '' } },
    }),
    enabled: !!spider.active_deployment_id,
  }).data
  const isAddress = /^https?:\/\//i.test(start_url ?? '')
  return (
    <Section
      title={t('facts')}
      extra={
        <Link to="/spiders/$spiderId/settings" params={{ spiderId: id }}>
          {t('tab.settings')}
        </Link>
      }
    >
      <Descriptions
        column={1}
        size="small"
        items={[
          ...(description
            ? [
                {
                  key: 'description',
                  label: c('word.description'),
                  children: (
                    <Typography.Paragraph
                      dir="auto"
                      className={styles.text}
                      style={{ margin: 0 }}
                      ellipsis={{ rows: 6, expandable: 'collapsible' }}
                    >
                      {description}
                    </Typography.Paragraph>
                  ),
                },
              ]
            : []),
          { key: 'project', label: t('project'), children: <ProjectLink id={spider.project_id} /> },
          {
            key: 'version',
            label: t('version'),
            children: (
              <Link to="/spiders/$spiderId/versions" params={{ spiderId: id }}>
                {version ? `v${version.version}` : t('filesAsTheyAre')}
              </Link>
            ),
          },
          { key: 'source', label: t('source'), children: t(`sources.${source}`) },
          {
            key: 'entry',
            label: t('settings.entryPoint'),
            children: <code>{entry_point || (source === 'scrapy' ? spider.name : 'main.py')}</code>,
          },
          { key: 'runner', label: t('settings.runner'), children: <Runner spider={spider} /> },
          { key: 'timeout', label: t('settings.timeout'), children: duration(spider.timeout_seconds * 1000) },
          ...(start_url
            ? [
                {
                  key: 'url',
                  label: t('startUrl'),
                  children: isAddress ? (
                    <a href={start_url} target="_blank" rel="noreferrer" className={styles.text}>
                      {start_url}
                    </a>
                  ) : (
                    start_url
                  ),
                },
              ]
            : []),
          { key: 'created', label: c('word.createdAt'), children: <TimeText at={spider.created_at} /> },
          { key: 'changed', label: c('word.updatedAt'), children: <TimeText at={spider.updated_at} isRelative /> },
        ]}
      />
    </Section>
  )
}

/** Where it runs; of nodes and machines of the swarm, which. */
function Runner({ spider: { runner, node_id, node_labels } }: { spider: Schemas['Spider'] }) {
  const { t } = useTranslation('spiders')
  return (
    <>
      {t(`settings.runners.${runner}`)}
      {runner === 'node' && node_id && (
        <>
          {' '}
          <NodeName id={node_id} />
        </>
      )}
      {((runner === 'node' && !node_id) || runner === 'swarm') &&
        node_labels.map((label) => <Tag key={label}>{label}</Tag>)}
    </>
  )
}
