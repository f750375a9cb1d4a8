import { CheckCircleOutlined, CloseCircleOutlined } from '@ant-design/icons'
import { Alert, Flex, Tag } from 'antd'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../../api/client'
import { ApiError } from '../../../api/errors'
import { ErrorAlert } from '../../../ui/ErrorAlert'
import { duration } from '../../../ui/format'
import type { Output } from './output'
import styles from './OutputPane.module.css'
import type { Progress } from './useCommand'

interface Props {
  output: Output
  progress: Progress
}

/** As far from its end a text is still followed. In pixels. */
const NEAR = 40

export function OutputPane({ output, progress }: Props) {
  const { t } = useTranslation('workspaces')
  const pane = useRef<HTMLPreElement>(null)
  const follows = useRef(true)
  useEffect(() => {
    if (follows.current && pane.current) pane.current.scrollTop = pane.current.scrollHeight
  }, [output])
  if (progress.is === 'idle') return null
  return (
    <Flex vertical gap="small">
      <div role="status">
        <Verdict progress={progress} />
      </div>
      {output.isCut && <Alert type="info" showIcon title={t('outputCut')} />}
      <pre
        ref={pane}
        className={styles.output}
        tabIndex={0}
        aria-label={t('output')}
        onScroll={({ currentTarget: { scrollTop, clientHeight, scrollHeight } }) => {
          follows.current = scrollTop + clientHeight >= scrollHeight - NEAR
        }}
      >
        {output.pieces.map(({ id, stream, text }) => (
          <span key={id} className={stream === 'stderr' ? styles.stderr : undefined}>
            {text}
          </span>
        ))}
        {output.pieces.length === 0 && progress.is !== 'running' && <i>{t('noOutput')}</i>}
      </pre>
    </Flex>
  )
}

function Verdict({ progress }: { progress: Progress }) {
  const { t } = useTranslation('workspaces')
  if (progress.is === 'running') return t('running')
  if (progress.is === 'stopped') return <Alert type="warning" showIcon title={t('ended')} />
  if (progress.is === 'failed') {
    const { error } = progress
    const isCutOff = error instanceof ApiError && error.code === 'cut_off'
    return isCutOff ? <Alert type="error" showIcon title={t('cutOff')} /> : <ErrorAlert error={error} />
  }
  return progress.is === 'done' && <Outcome outcome={progress.outcome} />
}

const NOTES = ['timed_out', 'disk_full', 'restarted', 'truncated'] as const

function Outcome({ outcome }: { outcome: Schemas['CommandOutcome'] }) {
  const { t } = useTranslation('workspaces')
  const isWell = outcome.exit_code === 0
  const notes = NOTES.filter((note) => outcome[note])
  return (
    <Flex vertical gap="small" align="start">
      <Flex gap="small" align="center">
        <Tag color={isWell ? 'success' : 'error'} icon={isWell ? <CheckCircleOutlined /> : <CloseCircleOutlined />}>
          {t('exitCode', { code: outcome.exit_code })}
        </Tag>
        {duration(outcome.duration_ms)}
      </Flex>
      {notes.map((note) => (
        <Alert key={note} type="warning" showIcon title={t(`note.${note}`)} />
      ))}
    </Flex>
  )
}
