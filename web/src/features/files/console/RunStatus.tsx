import { SyncOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Alert, Flex, Tag, Typography } from 'antd'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { get } from '../../../api/client'
import { duration } from '../../../ui/format'
import { StatusTag } from '../../../ui/StatusTag'
import type { Run } from './run'

interface Props {
  run: Run
  isFollowed: boolean
}

/** How far it is; once it has ended, how. */
export function RunStatus({ run: { taskId, startedAt, end, lineCount, lines }, isFollowed }: Props) {
  const { t } = useTranslation('files')
  const isWaiting = isFollowed && taskId !== null && lineCount === 0
  // Its stream does not say why nothing happens yet.
  const task = useQuery({
    ...get('/platform/api/crawlhub/tasks/{id}', { params: { path: { id: taskId ?? '' } } }),
    enabled: isWaiting,
    refetchInterval: isWaiting ? 3000 : false,
  }).data
  return (
    <>
      <Flex gap="small" align="center" wrap role="status" style={{ padding: '4px 8px' }}>
        {end ? (
          <>
            <StatusTag status={end.status} />
            <span>{duration(end.duration * 1000)}</span>
            {end.exit_code !== null && <span>{t('console.exitCode', { code: end.exit_code })}</span>}
          </>
        ) : (
          isFollowed && (
            <>
              {task ? (
                <StatusTag status={task.status} />
              ) : (
                <Tag color="processing" icon={<SyncOutlined spin />}>
                  {t(lineCount > 0 ? 'console.running' : 'console.preparing')}
                </Tag>
              )}
              <span aria-hidden>
                <Elapsed since={startedAt} />
              </span>
              {task?.pending_reason && <span>{task.pending_reason}</span>}
            </>
          )
        )}
        {lines.length < lineCount && (
          <Typography.Text type="secondary">
            {t('console.lastLines', { kept: lines.length, count: lineCount })}
          </Typography.Text>
        )}
      </Flex>
      {end?.error_message && <Alert type="error" banner showIcon title={end.error_message} />}
    </>
  )
}

function Elapsed({ since }: { since: number }) {
  const [now, setNow] = useState(since)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  return duration(Math.floor((now - since) / 1000) * 1000)
}
