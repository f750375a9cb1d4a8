import { useEffect, useEffectEvent, useState } from 'react'

import { ErrorAlert } from '../../../ui/ErrorAlert'
import { LogLines } from './LogLines'
import { LogNotice } from './LogNotice'
import { LogToolbar } from './LogToolbar'
import { NoLines } from './NoLines'
import { isFiltered, type LogFilter, type Start } from './reading'
import { useFollowing } from './useFollowing'
import { useLog } from './useLog'
import styles from './log.module.css'

const UNWRAPPED = 'crawlhub.log.unwrapped'

interface Props {
  taskId: string
  isRunning: boolean
  removedAt: string | null
  filter: LogFilter
  marked: number | undefined
  onFilter: (filter: LogFilter) => void
  onUnmark: () => void
}

export function LogView({ taskId, isRunning, removedAt, filter, marked, onFilter, onUnmark }: Props) {
  const [isWrapped, setIsWrapped] = useState(localStorage.getItem(UNWRAPPED) === null)
  const [isFollowed, setIsFollowed] = useState(marked === undefined)
  const log = useLog(taskId, filter, marked ?? 'end')
  const { held, error } = log
  const isLive = useFollowing({ taskId, log, isFiltered: isFiltered(filter), isRunning, isFollowed })

  const wrap = (to: boolean) => {
    if (to) localStorage.removeItem(UNWRAPPED)
    else localStorage.setItem(UNWRAPPED, 'true')
    setIsWrapped(to)
  }
  const go = (to: Start) => {
    if (marked !== undefined) onUnmark()
    setIsFollowed(to === 'end')
    void log.openAt(to)
  }
  const follow = (to: boolean) => {
    if (to) go('end')
    else setIsFollowed(false)
  }

  // A line that another link leads to.
  const show = useEffectEvent((seq: number) => {
    if (!held || held.lines.some((line) => line.seq === seq)) return
    setIsFollowed(false)
    void log.openAt(seq)
  })
  useEffect(() => {
    if (marked === undefined) return
    const soon = setTimeout(() => show(marked))
    return () => clearTimeout(soon)
  }, [marked])

  return (
    <div className={styles.frame}>
      <LogToolbar
        taskId={taskId}
        filter={filter}
        onFilter={onFilter}
        isWrapped={isWrapped}
        onWrap={wrap}
        isLive={isLive}
        isFollowed={isRunning ? isFollowed : null}
        onFollow={follow}
        onGo={go}
      />
      {error !== null && <ErrorAlert error={error} onRetry={log.retry} />}
      <div className={styles.box}>
        {held?.lines.length || !held || held.before !== null ? (
          <LogLines
            log={log}
            sought={filter.q ?? ''}
            isFiltered={isFiltered(filter)}
            marked={marked}
            isWrapped={isWrapped}
            isFollowed={isFollowed}
            onFollow={setIsFollowed}
          />
        ) : (
          <NoLines isFiltered={isFiltered(filter)} isRunning={isRunning} removedAt={removedAt} />
        )}
        <LogNotice log={log} />
      </div>
    </div>
  )
}
