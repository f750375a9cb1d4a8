import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Button, Card, Collapse, Flex, Skeleton, Tag, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { ErrorAlert } from '../../../ui/ErrorAlert'
import { TimeText } from '../../../ui/TimeText'
import { JsonText } from '../items/JsonText'
import { read, VERSIONS } from '../read'
import type { Version } from '../types'
import { DiffList } from './DiffList'

/** The contents that a thing has had, the newest first, and what each did to the one before. */
export function VersionList({ spiderId, thingKey }: { spiderId: string; thingKey: string }) {
  const { t } = useTranslation('data')
  const query = useInfiniteQuery({
    queryKey: [VERSIONS, { spiderId, thingKey }] as const,
    queryFn: async ({ pageParam: cursor, signal }) =>
      (await read(VERSIONS, { spider_id: spiderId, key: thingKey, cursor }, signal)).data,
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor }) => next_cursor,
  })
  if (query.isError && !query.data) return <ErrorAlert error={query.error} onRetry={() => void query.refetch()} />
  if (!query.data) return <Skeleton active />
  const count = query.data.pages[0]?.version ?? 0
  const versions = query.data.pages.flatMap((page) => page.versions)
  if (versions.length === 0) return <Typography.Text type="secondary">{t('changes.noData')}</Typography.Text>
  return (
    <Flex vertical gap="small">
      <Typography.Title level={2} style={{ fontSize: 16, margin: 0 }}>
        {t('changes.history')}
      </Typography.Title>
      {versions.map((version, place) => (
        <VersionCard
          key={version._id}
          version={version}
          number={count - place}
          isPresent={place === 0}
          before={versions[place + 1]}
        />
      ))}
      {query.hasNextPage && (
        <Button loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          {t('changes.olderVersions')}
        </Button>
      )}
    </Flex>
  )
}

interface CardProps {
  version: Version
  number: number
  isPresent: boolean
  /** Undefined where there is none, where it was not kept, or is not read yet. */
  before: Version | undefined
}

function VersionCard({ version, number, isPresent, before }: CardProps) {
  const { t } = useTranslation('data')
  const { t: c } = useTranslation()
  return (
    <Card
      size="small"
      title={
        <Flex gap="small" align="center" wrap>
          {`#${number}`}
          <TimeText at={version.created_at} />
          {isPresent && <Tag>{t('changes.present')}</Tag>}
        </Flex>
      }
      extra={
        <Link to="/tasks/$taskId" params={{ taskId: version.task_id }}>
          {c('word.task')}
        </Link>
      }
    >
      {before && <DiffList before={before.data} after={version.data} />}
      {number === 1 && <Typography.Text type="secondary">{t('changes.first')}</Typography.Text>}
      <Collapse
        ghost
        size="small"
        defaultActiveKey={before ? [] : ['whole']}
        items={[{ key: 'whole', label: t('changes.whole'), children: <JsonText value={version.data} /> }]}
      />
    </Card>
  )
}
