import { PlayCircleOutlined } from '@ant-design/icons'
import { Link } from '@tanstack/react-router'
import { Button, Flex, Switch, Tag, Typography, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, type Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { StatusTag } from '../../../ui/StatusTag'
import { TimeText } from '../../../ui/TimeText'
import { useMay } from '../../session/profile'
import { useRun } from '../useRun'

type Spider = Schemas['Spider']

export function useSpiderColumns(latest: Map<string, Schemas['Task']>): TableColumnsType<Spider> {
  const { t } = useTranslation('spiders')
  const { t: c } = useTranslation()
  const mayEdit = useMay('editor')
  const run = useRun()
  const toggle = useChange(
    ({ id, is_active }: Pick<Spider, 'id' | 'is_active'>) =>
      api.PUT('/platform/api/crawlhub/spiders/{id}', { params: { path: { id } }, body: { is_active } }),
    { refreshes: ['/platform/api/crawlhub/spiders', '/platform/api/crawlhub/schedules'] },
  )
  return [
    {
      title: c('word.name'),
      key: 'name',
      render: (_, { id, name, description }) => (
        <div style={{ maxWidth: 340 }}>
          <Link to="/spiders/$spiderId" params={{ spiderId: id }}>
            <bdi>{name}</bdi>
          </Link>
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
      key: 'latest',
      render: (_, { id }) => {
        const task = latest.get(id)
        if (!task) return <Typography.Text type="secondary">{t('neverRan')}</Typography.Text>
        return (
          <Link to="/tasks/$taskId" params={{ taskId: task.id }}>
            <StatusTag status={task.status} />
            <TimeText at={task.finished_at ?? task.started_at ?? task.created_at} isRelative />
          </Link>
        )
      },
    },
    {
      title: t('nextRun'),
      dataIndex: 'next_run_at',
      render: (at: string | null) => <TimeText at={at} isRelative />,
    },
    {
      title: t('source'),
      dataIndex: 'source',
      render: (source: Spider['source']) => <Tag>{t(`sources.${source}`)}</Tag>,
    },
    {
      title: t('isActive'),
      key: 'is_active',
      render: (_, { id, name, is_active }) =>
        mayEdit ? (
          <Switch
            size="small"
            aria-label={`${t('isActive')}: ${name}`}
            checked={is_active}
            loading={toggle.isPending && toggle.variables.id === id}
            onChange={(to) => toggle.mutate({ id, is_active: to })}
          />
        ) : (
          c(is_active ? 'word.enabled' : 'word.disabled')
        ),
    },
    ...(mayEdit
      ? [
          {
            title: c('word.actions'),
            key: 'actions',
            render: (_: unknown, { id }: Spider) => (
              <Flex gap="small">
                <Button
                  size="small"
                  icon={<PlayCircleOutlined />}
                  loading={run.isPending && run.variables.id === id}
                  onClick={() => run.mutate({ id })}
                >
                  {c('action.run')}
                </Button>
              </Flex>
            ),
          },
        ]
      : []),
  ]
}
