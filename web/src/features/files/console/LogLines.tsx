import { VerticalAlignBottomOutlined } from '@ant-design/icons'
import { useVirtualizer } from '@tanstack/react-virtual'
import { Button } from 'antd'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'

import type { Line } from './run'
import styles from './LogLines.module.css'

/** So near to the end somebody reads what comes. */
const NEAR_PX = 40

/** What the run prints; follows it as long as its end is in sight. */
export function LogLines({ lines }: { lines: Line[] }) {
  const { t } = useTranslation('files')
  const place = useRef<HTMLDivElement>(null)
  const [follows, setFollows] = useState(true)
  // The compiler is not in use here, whose rule says that what this answers cannot be kept.
  // eslint-disable-next-line react-hooks/incompatible-library -- as above
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => place.current,
    estimateSize: () => 20,
    getItemKey: (index) => lines[index]!.number,
    overscan: 20,
  })
  const newest = lines.at(-1)?.number
  useEffect(() => {
    if (follows && newest) rows.scrollToIndex(lines.length - 1, { align: 'end' })
  }, [follows, newest, lines.length, rows])
  return (
    <div className={styles.frame}>
      <div
        ref={place}
        className={styles.lines}
        role="region"
        aria-label={t('console.output')}
        tabIndex={0}
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) =>
          setFollows(scrollHeight - scrollTop - clientHeight < NEAR_PX)
        }
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
              <LogRow line={lines[index]!} />
            </div>
          ))}
        </div>
      </div>
      {!follows && (
        <Button
          size="small"
          className={styles.follow}
          icon={<VerticalAlignBottomOutlined />}
          onClick={() => setFollows(true)}
        >
          {t('console.follow')}
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
