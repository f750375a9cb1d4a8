import { Link } from '@tanstack/react-router'
import { Button, Flex, Spin } from 'antd'
import { useTranslation } from 'react-i18next'

import { EmptyState } from '../../../ui/EmptyState'
import { ErrorAlert } from '../../../ui/ErrorAlert'
import { TimeText } from '../../../ui/TimeText'
import { readLine } from '../../files/console/level'
import { pieces } from '../log/pieces'
import { useHits, type LogQuery } from './useHits'
import log from '../log/log.module.css'
import styles from './Hits.module.css'

interface Props {
  spiderId: string
  query: LogQuery
}

/** What a search through the logs has found: the newest first. */
export function Hits({ spiderId, query }: Props) {
  const { t } = useTranslation('tasks')
  const { hits, isFetching, isError, error, hasNextPage, fetchNextPage } = useHits(spiderId, query)
  const isOver = !hasNextPage && !isFetching && !isError
  return (
    <Flex vertical gap="small">
      {isOver && hits.length === 0 && <EmptyState title={t('search.none')} hint={t('search.noneHint')} />}
      {hits.length > 0 && (
        <ol className={styles.hits} aria-label={t('search.results')}>
          {hits.map((hit) => (
            <li key={`${hit.task_id} ${hit.seq}`} className={styles.hit}>
              <span className={styles.place}>
                <TimeText at={hit.timestamp} />
                <Link to="/tasks/$taskId" params={{ taskId: hit.task_id }} search={{ line: hit.seq }}>
                  {t('search.atLine', { seq: hit.seq })}
                </Link>
                <span className={log[hit.level ?? 'plain']}>{hit.level?.toUpperCase()}</span>
              </span>
              <span className={styles.text} dir="auto">
                {pieces(readLine(hit.line).text.slice(0, MOST), query.q ?? '').map((piece, index) =>
                  piece.isHit ? <mark key={index}>{piece.text}</mark> : piece.text,
                )}
              </span>
            </li>
          ))}
        </ol>
      )}
      {isError && <ErrorAlert error={error} onRetry={() => void fetchNextPage()} />}
      <Flex gap="small" align="center" role="status">
        {isFetching && (
          <>
            <Spin size="small" /> {t('search.searching')}
          </>
        )}
      </Flex>
      {hasNextPage && !isFetching && !isError && (
        <Button onClick={() => void fetchNextPage()} style={{ alignSelf: 'start' }}>
          {t('search.more')}
        </Button>
      )}
    </Flex>
  )
}

/** Of a line. */
const MOST = 2000
