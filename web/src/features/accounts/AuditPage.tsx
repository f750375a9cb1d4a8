import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { Flex, Typography, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import { get, type Schemas } from '../../api/client'
import { EmptyState } from '../../ui/EmptyState'
import { ListTable } from '../../ui/ListTable'
import { PageHeader } from '../../ui/PageHeader'
import { TimeText } from '../../ui/TimeText'
import { DeedCell } from './audit/DeedCell'
import { OutcomeTag } from './audit/OutcomeTag'

const route = getRouteApi('/inside/audit')

/** Who changed what. */
export function AuditPage() {
  const { t } = useTranslation('accounts')
  const { t: c } = useTranslation()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const query = useQuery({
    ...get('/platform/api/audit', { params: { query: search } }),
    placeholderData: keepPreviousData,
  })
  const columns: TableColumnsType<Schemas['AuditEntry']> = [
    { title: t('audit.time'), render: (_, { created_at }) => <TimeText at={created_at} /> },
    {
      title: t('audit.who'),
      render: (_, { email, address }) => (
        <Flex vertical>
          <bdi>{email}</bdi>
          <Typography.Text type="secondary">{t('audit.from', { address })}</Typography.Text>
        </Flex>
      ),
    },
    { title: t('audit.what'), render: (_, entry) => <DeedCell entry={entry} /> },
    { title: t('audit.result'), render: (_, { status }) => <OutcomeTag status={status} /> },
    {
      title: t('audit.requestId'),
      render: (_, { request_id: id }) => (
        <Typography.Text code copyable={{ text: id }}>
          {id.slice(-8)}
        </Typography.Text>
      ),
    },
  ]
  return (
    <>
      <PageHeader title={c('nav.audit')} lead={t('audit.lead')} />
      <ListTable
        query={query}
        columns={columns}
        onPage={(page, page_size) => void navigate({ search: { page, page_size } })}
        empty={<EmptyState title={t('audit.empty')} hint={t('audit.emptyHint')} />}
      />
    </>
  )
}
