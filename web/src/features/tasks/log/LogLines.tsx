import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useEffectEvent, useLayoutEffect, useRef, type UIEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { LogRow } from './LogRow'
import type { Log } from './useLog'
import type { Line } from './window'
import styles from './log.module.css'

/** So near to the end somebody reads what comes. */
const NEAR_PX = 40
/** So many lines from an end of what is held, more is asked for. */
const NEAR_LINES = 60
const ROW_PX = 20
/** So long it takes to come to a line, whose place must not change meanwhile. */
const SETTLE_MS = 400
const NONE: Line[] = []

interface Props {
  log: Log
  sought: string
  isFiltered: boolean
  marked: number | undefined
  isWrapped: boolean
  isFollowed: boolean
  onFollow: (isFollowed: boolean) => void
}

/** The lines that are held, of which those in sight are there. */
export function LogLines({ log, sought, isFiltered, marked, isWrapped, isFollowed, onFollow }: Props) {
  const { t } = useTranslation('tasks')
  const place = useRef<HTMLDivElement>(null)
  const last = useRef({ top: 0, height: 0 })
  const lines = log.held?.lines ?? NONE
  // The compiler is not in use here, whose rule says that what this answers cannot be kept.
  // eslint-disable-next-line react-hooks/incompatible-library -- as above
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => place.current,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => lines[index]!.seq,
    overscan: 15,
    // What is read stays where it is while lines come and go around it.
    anchorTo: 'end',
  })
  const shown = rows.getVirtualItems()
  const first = shown[0]?.index ?? 0
  const final = shown.at(-1)?.index ?? 0
  const newest = lines.at(-1)?.seq

  useLayoutEffect(() => {
    if (isFollowed && newest !== undefined) rows.scrollToIndex(lines.length - 1, { align: 'end' })
  }, [isFollowed, newest, lines.length, rows, isWrapped])

  const { opened } = log
  useLayoutEffect(() => {
    if (opened?.at === 'start') rows.scrollToIndex(0)
  }, [opened, rows])

  // A line that is looked up comes to the middle, once it is there.
  const at = marked === undefined ? -1 : lines.findIndex(({ seq }) => seq === marked)
  const isThere = at >= 0
  const settledAt = useRef(0)
  const toMarked = useEffectEvent(() => {
    settledAt.current = Date.now() + SETTLE_MS
    const { startIndex, endIndex } = rows.range ?? { startIndex: 0, endIndex: -1 }
    if (at < startIndex || at > endIndex) rows.scrollToIndex(at, { align: 'center' })
  })
  useEffect(() => {
    if (isThere) toMarked()
  }, [marked, isThere])

  const { held } = log
  const fill = useEffectEvent(() => {
    if (!held || log.work || log.error) return
    if (first < NEAR_LINES && held.before !== null && !isFollowed) void log.loadEarlier()
    else if (final >= lines.length - NEAR_LINES && !held.isEnd) void log.loadLater()
    else if (lines.length < NEAR_LINES && held.before !== null) void log.loadEarlier()
  })
  useEffect(() => {
    const soon = setTimeout(fill, Math.max(0, settledAt.current - Date.now()))
    return () => clearTimeout(soon)
  }, [first, final, held, log.work, log.error])

  const scrolled = ({ currentTarget: { scrollHeight, scrollTop, clientHeight } }: UIEvent<HTMLDivElement>) => {
    const isNear = scrollHeight - scrollTop - clientHeight < NEAR_PX
    // Not because it became shorter.
    const isUp = scrollTop < last.current.top - 2 && scrollHeight >= last.current.height
    last.current = { top: scrollTop, height: scrollHeight }
    if (isFollowed && isUp && !isNear) onFollow(false)
    else if (!isFollowed && isNear && !isUp && held?.isEnd) onFollow(true)
  }

  return (
    <div
      ref={place}
      className={isWrapped ? styles.lines : `${styles.lines} ${styles.unwrapped}`}
      role="region"
      aria-label={t('log.region')}
      tabIndex={0}
      onScroll={scrolled}
    >
      <div style={{ height: rows.getTotalSize(), position: 'relative' }}>
        {shown.map(({ key, index, start }) => {
          const line = lines[index]!
          const before = lines[index - 1]
          const isNewAttempt = before !== undefined && before.attempt !== line.attempt
          return (
            <div
              key={key}
              ref={rows.measureElement}
              data-index={index}
              className={styles.row}
              style={{ transform: `translateY(${start}px)` }}
            >
              <LogRow
                line={line}
                sought={sought}
                isFiltered={isFiltered}
                isMarked={line.seq === marked}
                isNewAttempt={isNewAttempt}
              />
            </div>
          )
        })}
      </div>
    </div>
  )
}
