import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Flex, Select, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { get, type Schemas } from '../../api/client'
import { count, time } from '../../ui/format'
import { StatusTag } from '../../ui/StatusTag'

const TASKS = '/platform/api/crawlhub/tasks'

interface Option {
  value: string
  label: string
  task: Schemas['Task']
}

interface Props {
  /** Of any where there is none. */
  spiderId: string | undefined
  value: string | undefined
  onChange: (id: string | undefined) => void
}

/** One of the newest tasks; another one that a link names is shown, too. */
export function TaskSelect({ spiderId, value, onChange }: Props) {
  const { t } = useTranslation('data')
  const { t: c } = useTranslation()
  const found = useQuery({
    ...get(TASKS, { params: { query: { spider_id: spiderId, page_size: 50 } } }),
    placeholderData: keepPreviousData,
  })
  const named = useQuery({
    ...get(`${TASKS}/{id}`, { params: { path: { id: value ?? '' } } }),
    enabled: value !== undefined,
  }).data
  const tasks = found.data?.items ?? []
  const listed = named && !tasks.some(({ id }) => id === named.id) ? [named, ...tasks] : tasks
  return (
    <Flex gap="small" align="center">
      <Select<string, Option>
        allowClear
        aria-label={c('word.task')}
        placeholder={t('scope.allTasks')}
        style={{ width: 260 }}
        popupMatchSelectWidth={false}
        loading={found.isFetching}
        value={value}
        onChange={(id?: string) => onChange(id)}
        options={listed.map((task) => ({ value: task.id, label: time(task.created_at), task }))}
        optionRender={({ data }) => <TaskLine task={data.task} hasSpider={spiderId === undefined} />}
      />
      {value !== undefined && (
        <Link to="/tasks/$taskId" params={{ taskId: value }}>
          {t('scope.openTask')}
        </Link>
      )}
    </Flex>
  )
}

function TaskLine({ task, hasSpider }: { task: Schemas['Task']; hasSpider: boolean }) {
  const { t } = useTranslation('data')
  const { created_at, status, success_count, spider_name, is_test } = task
  return (
    <Flex gap="small" align="center">
      {hasSpider && <bdi>{spider_name}</bdi>}
      <span>{time(created_at)}</span>
      <StatusTag status={status} />
      {is_test && t('scope.test')}
      <Typography.Text type="secondary">{t('scope.taskItems', { count: count(success_count) })}</Typography.Text>
    </Flex>
  )
}
