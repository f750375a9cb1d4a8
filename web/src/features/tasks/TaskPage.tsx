import { getRouteApi, Link } from '@tanstack/react-router'
import { Flex, Skeleton, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { Loaded } from '../../ui/Loaded'
import { PageHeader } from '../../ui/PageHeader'
import { StatusTag } from '../../ui/StatusTag'
import { Views } from '../../ui/Views'
import { time } from '../../ui/format'
import { onDemand } from '../../ui/onDemand'
import type { Task } from './addresses'
import { TaskAlerts } from './page/TaskAlerts'
import { TaskFigures } from './page/TaskFigures'
import { useLiveTask } from './page/useLiveTask'
import { TaskActions } from './TaskActions'
import { TriggerTag } from './TriggerTag'

const LogTab = onDemand(() => import('./log/LogTab').then((found) => found.LogTab), <Skeleton active />)
const AttemptsTab = onDemand(() => import('./page/AttemptsTab').then((found) => found.AttemptsTab), <Skeleton active />)
const FilesTab = onDemand(() => import('./page/FilesTab').then((found) => found.FilesTab), <Skeleton active />)
const ItemsTab = onDemand(() => import('./page/ItemsTab').then((found) => found.ItemsTab), <Skeleton active />)

const route = getRouteApi('/inside/tasks/$taskId')
const TABS = { log: LogTab, items: ItemsTab, attempts: AttemptsTab, files: FilesTab }
const NAMES = Object.keys(TABS) as (keyof typeof TABS)[]

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
  const { t: c } = useTranslation()
  // What is not looked at does not follow anything.
  const Shown = TABS[tab]
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
      <Views
        label={c('word.view')}
        views={NAMES.map((value) => ({ value, label: t(`tab.${value}`) }))}
        shown={tab}
        onShow={(next) => void navigate({ search: { tab: next }, replace: true, resetScroll: false })}
      />
      <Shown task={task} />
    </>
  )
}
