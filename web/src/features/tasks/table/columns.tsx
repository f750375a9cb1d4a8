import { Link } from '@tanstack/react-router'
import { Flex, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import { duration } from '../../../ui/format'
import { TimeText } from '../../../ui/TimeText'
import { useMay } from '../../session/profile'
import type { Task } from '../addresses'
import { durationOf } from '../duration'
import { TaskActions } from '../TaskActions'
import { TriggerTag } from '../TriggerTag'
import { ItemsCell, StatusCell } from './cells'

/** `now`: when the list was read. */
export function useColumns(hasSpider: boolean, now: number): TableColumnsType<Task> {
  const { t } = useTranslation('tasks')
  const { t: c } = useTranslation()
  const mayChange = useMay('editor')
  const spider: TableColumnsType<Task> = [
    {
      title: c('word.spider'),
      render: (_, task) => (
        <div style={{ minWidth: 100, maxWidth: 240, overflowWrap: 'anywhere' }}>
          <Link to="/spiders/$spiderId" params={{ spiderId: task.spider_id }}>
            <bdi>{task.spider_name}</bdi>
          </Link>
        </div>
      ),
    },
  ]
  const actions: TableColumnsType<Task> = [
    { title: c('word.actions'), render: (_, task) => <TaskActions task={task} isSmall /> },
  ]
  return [
    {
      title: t('column.task'),
      render: (_, task) => (
        <Flex vertical gap={2} align="start" style={{ whiteSpace: 'nowrap' }}>
          <Link to="/tasks/$taskId" params={{ taskId: task.id }}>
            <TimeText at={task.created_at} />
          </Link>
          <TriggerTag trigger={task.trigger_type} />
        </Flex>
      ),
    },
    ...(hasSpider ? spider : []),
    { title: c('word.status'), render: (_, task) => <StatusCell task={task} /> },
    { title: t('column.items'), align: 'right', render: (_, task) => <ItemsCell task={task} /> },
    {
      title: t('column.duration'),
      align: 'right',
      render: (_, task) => {
        const ms = durationOf(task, now)
        return <span style={{ whiteSpace: 'nowrap' }}>{ms === null ? '—' : duration(ms)}</span>
      },
    },
    {
      title: t('column.version'),
      render: (_, { deployment_version: version }) => (version ? `v${version}` : t('files')),
    },
    ...(mayChange ? actions : []),
  ]
}
