import { getRouteApi, Link } from '@tanstack/react-router'
import { Flex, Tabs, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { Loaded } from '../../ui/Loaded'
import { PageHeader } from '../../ui/PageHeader'
import { StatusTag } from '../../ui/StatusTag'
import { time } from '../../ui/format'
import type { Task } from './addresses'
import { LogTab } from './log/LogTab'
import { AttemptsTab } from './page/AttemptsTab'
import { FilesTab } from './page/FilesTab'
import { ItemsTab } from './page/ItemsTab'
import { TaskAlerts } from './page/TaskAlerts'
import { TaskFigures } from './page/TaskFigures'
import { useLiveTask } from './page/useLiveTask'
import { TaskActions } from './TaskActions'
import { TriggerTag } from './TriggerTag'

const route = getRouteApi('/inside/tasks/$taskId')

/** One run of a spider, while it goes on and afterwards. */
export function TaskPage() {
  const { taskId } = route.useParams()
  const query = useLiveTask(taskId)
  return <Loaded query={query}>{(task) => <OneTask key={task.id} task={task} />}</Loaded>
}

function OneTask({ task }: { task: Task }) {
  const { t } = useTranslation('tasks')
  const { tab = 'log' } = route.useSearch()
  const navigate = route.useNavigate()
  const tabs = [
    { key: 'log', label: t('tab.log'), children: <LogTab task={task} /> },
    { key: 'items', label: t('tab.items'), children: <ItemsTab task={task} /> },
    { key: 'attempts', label: t('tab.attempts'), children: <AttemptsTab task={task} /> },
    { key: 'files', label: t('tab.files'), children: <FilesTab task={task} /> },
  ] as const
  return (
    <>
      <PageHeader
        title={t('page.title', { spider: task.spider_name })}
        tags={
          <Flex gap={4}>
            <StatusTag status={task.status} />
            {task.is_test && <TriggerTag trigger="test" />}
          </Flex>
        }
        lead={
          <Flex gap="small" wrap>
            <Link to="/spiders/$spiderId" params={{ spiderId: task.spider_id }}>
              <bdi>{task.spider_name}</bdi>
            </Link>
            <span>{time(task.created_at)}</span>
            <Typography.Text type="secondary" copyable style={{ fontSize: 12 }}>
              {task.id}
            </Typography.Text>
          </Flex>
        }
        actions={
          <TaskActions
            task={task}
            onRetried={({ id }) => void navigate({ to: '/tasks/$taskId', params: { taskId: id } })}
            onDeleted={() => void navigate({ to: '/tasks' })}
          />
        }
      />
      <Flex vertical gap="middle">
        <TaskAlerts task={task} />
        <TaskFigures task={task} />
      </Flex>
      <Tabs
        activeKey={tab}
        items={[...tabs]}
        // What is not looked at does not follow anything.
        destroyOnHidden
        onChange={(key) => {
          const next = tabs.find((known) => known.key === key)
          void navigate({ search: { tab: next?.key }, replace: true, resetScroll: false })
        }}
      />
    </>
  )
}
