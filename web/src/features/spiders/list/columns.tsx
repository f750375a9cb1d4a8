import { PlayCircleOutlined, WarningOutlined } from '@ant-design/icons'
import { Link } from '@tanstack/react-router'
import { Button, Flex, Tag, Typography, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../../api/client'
import { count } from '../../../ui/format'
import { TimeText } from '../../../ui/TimeText'
import { useMay } from '../../session/profile'
import { DeleteSpider } from '../DeleteSpider'
import { LastTask } from '../LastTask'
import { ProjectLink } from '../ProjectLink'
import { useRun } from '../useRun'
import { ActiveSwitch } from './ActiveSwitch'
import styles from './columns.module.css'

type Spider = Schemas['Spider']

/** With the newest task of each, by its id. */
export function useSpiderColumns(latest: Map<string, Schemas['Task']>): TableColumnsType<Spider> {
  const { t } = useTranslation('spiders')
  const { t: c } = useTranslation()
  const isEditor = useMay('editor')
  const columns: TableColumnsType<Spider> = [
    {
      title: c('word.name'),
      render: (_, { id, name, description, over_quota }) => (
        <div className={styles.name}>
          <Link to="/spiders/$spiderId" params={{ spiderId: id }} className={styles.link}>
            <bdi>{name}</bdi>
          </Link>
          {over_quota && (
            <Tag color="warning" icon={<WarningOutlined />}>
              {t('overQuotaTag')}
            </Tag>
          )}
          {description && (
            <Typography.Text type="secondary" ellipsis style={{ display: 'block' }}>
              <bdi>{description}</bdi>
            </Typography.Text>
          )}
        </div>
      ),
    },
    {
      title: t('lastResult'),
      render: (_, { id }) => {
        const task = latest.get(id)
        if (!task) return <Typography.Text type="secondary">{t('neverRan')}</Typography.Text>
        return <LastTask task={task} />
      },
    },
    {
      title: t('items'),
      align: 'right',
      render: (_, { id }) => {
        const task = latest.get(id)
        return task ? count(task.success_count) : '—'
      },
    },
    { title: t('nextRun'), render: (_, { next_run_at }) => <TimeText at={next_run_at} isRelative /> },
    { title: t('project'), render: (_, { project_id }) => <ProjectLink id={project_id} /> },
    { title: t('isActive'), render: (_, spider) => <ActiveSwitch spider={spider} /> },
  ]
  if (!isEditor) return columns
  return [
    ...columns,
    {
      title: c('word.actions'),
      render: (_, spider) => (
        <Flex gap="small">
          <RunNow spider={spider} />
          <DeleteSpider spider={spider} size="small" aria-label={t('deleteOf', { name: spider.name })} />
        </Flex>
      ),
    },
  ]
}

function RunNow({ spider: { id, name } }: { spider: Spider }) {
  const { t } = useTranslation('spiders')
  const { t: c } = useTranslation()
  const run = useRun()
  return (
    <Button
      size="small"
      icon={<PlayCircleOutlined />}
      aria-label={t('runOf', { name })}
      loading={run.isPending}
      onClick={() => run.mutate({ id })}
    >
      {c('action.run')}
    </Button>
  )
}
