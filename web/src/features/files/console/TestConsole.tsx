import { CaretRightOutlined, StopOutlined } from '@ant-design/icons'
import { Link } from '@tanstack/react-router'
import { Alert, Button, Flex, Segmented, Skeleton } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { api } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { EmptyState } from '../../../ui/EmptyState'
import { ErrorAlert } from '../../../ui/ErrorAlert'
import { onDemand } from '../../../ui/onDemand'
import styles from '../FilesTab.module.css'
import { LogLines } from './LogLines'
import { RunStatus } from './RunStatus'
import { useTestRun } from './useTestRun'

const ItemsTable = onDemand(() => import('./ItemsTable').then((found) => found.ItemsTable), <Skeleton active />)

interface Props {
  spiderId: string
  hasFiles: boolean
  /** Saves what is to be run; false where that failed. */
  beforeRun: () => Promise<boolean>
}

/** Runs the files as they are, and shows what they print and find. */
export function TestConsole({ spiderId, hasFiles, beforeRun }: Props) {
  const { t } = useTranslation('files')
  const { run, isFollowed, error, start } = useTestRun(spiderId)
  const [isSaving, setIsSaving] = useState(false)
  const [view, setView] = useState<'output' | 'items'>('output')
  const stop = useChange((id: string) =>
    api.POST('/platform/api/crawlhub/tasks/{id}/cancel', { params: { path: { id } } }),
  )
  const begin = async () => {
    setIsSaving(true)
    const isSaved = await beforeRun().finally(() => setIsSaving(false))
    if (isSaved) await start()
  }
  const isLost = run?.taskId && !isFollowed && !run.end
  return (
    <section className={styles.console} aria-label={t('console.title')}>
      <Flex justify="space-between" align="center" gap="small" wrap className={styles.bar}>
        <Flex gap="small" wrap>
          <Button
            size="small"
            type="primary"
            icon={<CaretRightOutlined />}
            loading={isSaving}
            disabled={isFollowed || !hasFiles}
            onClick={() => void begin()}
          >
            {t('console.run')}
          </Button>
          {run?.taskId && !run.end && (
            <Button
              size="small"
              danger
              icon={<StopOutlined />}
              loading={stop.isPending || (stop.isSuccess && stop.variables === run.taskId)}
              onClick={() => stop.mutate(run.taskId!)}
            >
              {t('console.stop')}
            </Button>
          )}
        </Flex>
        {run?.taskId && (
          <Link to="/tasks/$taskId" params={{ taskId: run.taskId }}>
            {t('console.task')}
          </Link>
        )}
      </Flex>
      {run && <RunStatus run={run} isFollowed={isFollowed} />}
      {isLost ? (
        <Alert type="warning" banner showIcon title={t('console.lost')} />
      ) : (
        error !== null && <ErrorAlert error={error} />
      )}
      {run?.taskId ? (
        <>
          <Segmented
            block
            size="small"
            value={view}
            onChange={setView}
            options={[
              { value: 'output', label: t('console.outputCount', { count: run.lineCount }) },
              { value: 'items', label: t('console.itemCount', { count: run.itemCount }) },
            ]}
            aria-label={t('console.title')}
          />
          <div className={styles.scroll}>
            {view === 'output' ? <LogLines key={run.taskId} lines={run.lines} /> : <ItemsTable run={run} />}
          </div>
        </>
      ) : (
        !run && <EmptyState title={t('console.title')} hint={t('console.hint')} />
      )}
    </section>
  )
}
