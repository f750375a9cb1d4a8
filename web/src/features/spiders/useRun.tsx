import { useRouter } from '@tanstack/react-router'
import { App, Button } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, dataOf } from '../../api/client'
import { useChange } from '../../api/useChange'
import { DASHBOARD, SPIDER, SPIDER_ALONE } from './addresses'

interface Run {
  id: string
  params?: Record<string, unknown>
}

/** Queues a task of a spider, and says where it is looked at. */
export function useRun(options: { isQuiet?: boolean } = {}) {
  const { t } = useTranslation('spiders')
  const { notification } = App.useApp()
  const router = useRouter()
  return useChange(
    ({ id, params }: Run) =>
      dataOf(
        api.POST(`${SPIDER}/run`, {
          params: { path: { id } },
          // The description has no type for an object of anything.
          body: params ? { params: params as Record<string, never> } : {},
        }),
      ),
    {
      ...options,
      refreshes: ['/platform/api/crawlhub/tasks', DASHBOARD, ...SPIDER_ALONE],
      onSuccess: (task) => {
        const key = task.id
        const show = () => {
          notification.destroy(key)
          void router.navigate({ to: '/tasks/$taskId', params: { taskId: task.id } })
        }
        notification.success({
          key,
          // There is something to press.
          duration: 10,
          title: t('started'),
          description: <bdi>{task.spider_name}</bdi>,
          actions: <Button onClick={show}>{t('showTask')}</Button>,
        })
      },
    },
  )
}
