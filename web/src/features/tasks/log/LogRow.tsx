import { CopyOutlined } from '@ant-design/icons'
import { Link } from '@tanstack/react-router'
import { App } from 'antd'
import { memo } from 'react'
import { useTranslation } from 'react-i18next'

import { time } from '../../../ui/format'
import { readLine } from '../../files/console/level'
import { clock } from './clock'
import { pieces } from './pieces'
import type { Line } from './window'
import styles from './log.module.css'

/** A line may have 64 KiB. */
const LONGEST = 4000

interface Props {
  line: Line
  sought: string
  /** The lines around it are not shown: its number leads to them. */
  isFiltered: boolean
  isMarked: boolean
  isNewAttempt: boolean
}

export const LogRow = memo(function LogRow({ line, sought, isFiltered, isMarked, isNewAttempt }: Props) {
  const { t } = useTranslation('tasks')
  const { t: c } = useTranslation()
  const { message } = App.useApp()
  const { seq, attempt, level, stream, timestamp } = line
  const { text } = readLine(line.line)
  const cut = text.length - LONGEST
  const copy = async () => {
    await navigator.clipboard.writeText(text)
    message.success(c('action.copied'))
  }
  const kind = stream === 'system' ? 'system' : (level ?? (stream === 'stderr' ? 'stderr' : 'plain'))
  return (
    <>
      {isNewAttempt && <div className={styles.attempt}>{t('log.attempt', { attempt })}</div>}
      <div className={`${styles.line} ${styles[kind] ?? ''} ${isMarked ? styles.marked : ''}`}>
        <Link
          from="/tasks/$taskId"
          to="."
          search={(before) => (isFiltered ? { line: seq } : { ...before, line: isMarked ? undefined : seq })}
          replace={!isFiltered}
          title={isFiltered ? t('log.inContext') : undefined}
          resetScroll={false}
          className={styles.seq}
          aria-label={t('log.markLine', { seq })}
          aria-current={isMarked || undefined}
        >
          {seq}
        </Link>
        <time className={styles.time} dateTime={timestamp} title={time(timestamp)}>
          {clock(timestamp)}
        </time>
        <span className={styles.mark}>
          {stream === 'system'
            ? t('log.streamName.system')
            : (level?.toUpperCase() ?? (stream === 'stderr' && 'stderr'))}
        </span>
        <span className={styles.text} dir="auto">
          {pieces(cut > 0 ? text.slice(0, LONGEST) : text || ' ', sought).map((piece, index) =>
            piece.isHit ? <mark key={index}>{piece.text}</mark> : piece.text,
          )}
          {cut > 0 && <em> {t('log.cut', { count: cut })}</em>}
        </span>
        <button
          type="button"
          className={styles.copy}
          aria-label={t('log.copyLine', { seq })}
          title={t('log.copyLine', { seq })}
          onClick={() => void copy()}
        >
          <CopyOutlined />
        </button>
      </div>
    </>
  )
})
