import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { Flex, Tag, Typography, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, get, type Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { ConfirmButton } from '../../../ui/ConfirmButton'
import { EmptyState } from '../../../ui/EmptyState'
import { count } from '../../../ui/format'
import { ListTable } from '../../../ui/ListTable'
import { TimeText } from '../../../ui/TimeText'
import { useMay } from '../../session/profile'
import { SPIDER } from '../addresses'

type ErrorGroup = Schemas['ErrorGroup']

const route = getRouteApi('/inside/spiders/$spiderId/errors')

/** Errors of a spider's runs, by kind. */
export function ErrorGroups({ spiderId }: { spiderId: string }) {
  const { t } = useTranslation('tasks')
  const { t: c } = useTranslation()
  const { page, page_size } = route.useSearch()
  const navigate = route.useNavigate()
  const mayChange = useMay('editor')
  const query = useQuery({
    ...get(`${SPIDER}/errors`, { params: { path: { id: spiderId }, query: { page, page_size } } }),
    placeholderData: keepPreviousData,
  })
  const actions: TableColumnsType<ErrorGroup> = [
    { title: c('word.actions'), render: (_, group) => <Forget spiderId={spiderId} group={group} /> },
  ]
  const columns: TableColumnsType<ErrorGroup> = [
    {
      title: t('errors.kind'),
      render: (_, { title, level }) => (
        <Flex vertical gap={2} align="start" style={{ minWidth: 200, maxWidth: 380 }}>
          <Typography.Text strong style={{ overflowWrap: 'anywhere' }}>
            <bdi>{title}</bdi>
          </Typography.Text>
          <Tag color="error">{level.toUpperCase()}</Tag>
        </Flex>
      ),
    },
    { title: t('errors.count'), align: 'right', render: (_, group) => count(group.count) },
    {
      title: t('errors.first'),
      render: (_, group) => (
        <Seen at={group.first_seen} version={group.first_version} taskId={group.first_task} spiderId={spiderId} />
      ),
    },
    {
      title: t('errors.last'),
      render: (_, group) => (
        <Seen
          at={group.last_seen}
          version={group.last_version}
          taskId={group.last_task}
          line={group.last_seq}
          spiderId={spiderId}
        />
      ),
    },
    ...(mayChange ? actions : []),
  ]
  return (
    <section aria-labelledby="kinds-of-errors">
      <Typography.Title level={2} id="kinds-of-errors" style={{ fontSize: 16, marginTop: 0, marginBottom: 0 }}>
        {t('errors.title')}
      </Typography.Title>
      <Typography.Paragraph type="secondary">{t('errors.lead')}</Typography.Paragraph>
      <ListTable
        query={query}
        columns={columns}
        rowKey="fingerprint"
        expandable={{
          columnTitle: t('errors.sample'),
          expandedRowRender: ({ sample }) => (
            <pre
              tabIndex={0}
              aria-label={t('errors.sample')}
              style={{ margin: 0, maxHeight: 320, overflow: 'auto', whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}
            >
              {sample}
            </pre>
          ),
        }}
        onPage={(page, page_size) => void navigate({ search: (before) => ({ ...before, page, page_size }) })}
        empty={<EmptyState title={t('errors.none')} hint={t('errors.noneHint')} />}
      />
    </section>
  )
}

interface SeenProps {
  at: string
  version: number | null | undefined
  taskId: string
  line?: number
  spiderId: string
}

function Seen({ at, version, taskId, line, spiderId }: SeenProps) {
  const { t } = useTranslation('tasks')
  return (
    <Flex vertical style={{ whiteSpace: 'nowrap' }}>
      <TimeText at={at} />
      <Flex gap="small">
        {version && (
          <Link to="/spiders/$spiderId/versions" params={{ spiderId }} aria-label={t('errors.version', { version })}>
            v{version}
          </Link>
        )}
        <Link to="/tasks/$taskId" params={{ taskId }} search={line ? { line } : { level: 'error' }}>
          {t('errors.inTask')}
        </Link>
      </Flex>
    </Flex>
  )
}

function Forget({ spiderId, group }: { spiderId: string; group: ErrorGroup }) {
  const { t } = useTranslation('tasks')
  const path = { id: spiderId, fingerprint: group.fingerprint }
  const forget = useChange(() => api.DELETE(`${SPIDER}/errors/{fingerprint}`, { params: { path } }), {
    refreshes: [`${SPIDER}/errors`],
    done: t('errors.forgotten'),
  })
  return (
    <ConfirmButton
      size="small"
      question={t('errors.forgetAsk', { title: group.title })}
      consequence={t('errors.forgetHint')}
      confirmText={t('errors.forget')}
      loading={forget.isPending}
      onConfirm={() => forget.mutateAsync(undefined)}
    >
      {t('errors.forget')}
    </ConfirmButton>
  )
}
