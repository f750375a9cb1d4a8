import { VerticalAlignBottomOutlined } from '@ant-design/icons'
import { useVirtualizer } from '@tanstack/react-virtual'
import { Button } from 'antd'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'

import type { Line } from './run'
import styles from './LogLines.module.css'

/** So near to the end somebody reads what comes. */
const NEAR_PX = 40

const UPWARDS = ['ArrowUp', 'PageUp', 'Home']

/** What the run prints; follows it until somebody scrolls up, points at something, or goes up by key. What is read then
 * stands still, as lines at the beginning are dropped meanwhile; at its end the following goes on. */
export function LogLines({ lines }: { lines: Line[] }) {
  const { t } = useTranslation('files')
  const place = useRef<HTMLDivElement>(null)
  const lastTop = useRef(0)
  const [still, setStill] = useState<Line[] | null>(null)
  const shown = still ?? lines
  // The compiler is not in use here, whose rule says that what this answers cannot be kept.
  // eslint-disable-next-line react-hooks/incompatible-library -- as above
  const rows = useVirtualizer({
    count: shown.length,
    getScrollElement: () => place.current,
    estimateSize: () => 20,
    getItemKey: (index) => shown[index]!.number,
    overscan: 20,
  })
  const newest = lines.at(-1)?.number ?? 0
  const missed = newest - (shown.at(-1)?.number ?? 0)
  useEffect(() => {
    if (still === null && newest > 0) rows.scrollToIndex(lines.length - 1, { align: 'end' })
  }, [still, newest, lines.length, rows])
  const hold = () => setStill((before) => before ?? lines)
  const follow = () => setStill(null)
  return (
    <div className={styles.frame}>
      <div
        ref={place}
        className={styles.lines}
        role="region"
        aria-label={t('console.output')}
        tabIndex={0}
        onPointerDown={hold}
        onWheel={({ deltaY }) => {
          if (deltaY < 0) hold()
        }}
        onKeyDown={({ key }) => {
          if (UPWARDS.includes(key)) hold()
        }}
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
          const isDown = scrollTop > lastTop.current
          lastTop.current = scrollTop
          if (isDown && scrollHeight - scrollTop - clientHeight < NEAR_PX) follow()
        }}
      >
        <div style={{ height: rows.getTotalSize(), position: 'relative' }}>
          {rows.getVirtualItems().map(({ key, index, start }) => (
            <div
              key={key}
              ref={rows.measureElement}
              data-index={index}
              className={styles.row}
              style={{ transform: `translateY(${start}px)` }}
            >
              <LogRow line={shown[index]!} />
            </div>
          ))}
        </div>
      </div>
      {still !== null && (
        <Button size="small" className={styles.follow} icon={<VerticalAlignBottomOutlined />} onClick={follow}>
          {missed > 0 ? t('console.followMissed', { count: missed }) : t('console.follow')}
        </Button>
      )}
    </div>
  )
}

function LogRow({ line: { level, isStderr, text } }: { line: Line }) {
  const mark = level?.toUpperCase() ?? (isStderr ? 'stderr' : '')
  return (
    <div className={`${styles.line} ${styles[level ?? (isStderr ? 'stderr' : 'plain')] ?? ''}`}>
      <span className={styles.mark}>{mark}</span>
      <span className={styles.text} dir="auto">
        {text || ' '}
      </span>
    </div>
  )
}
