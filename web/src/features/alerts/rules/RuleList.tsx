import { PlusOutlined } from '@ant-design/icons'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { Button, Flex, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { get } from '../../../api/client'
import { EmptyState } from '../../../ui/EmptyState'
import { ListTable } from '../../../ui/ListTable'
import { onDemand } from '../../../ui/onDemand'
import { sameId, useEdited } from '../../../ui/useEdited'
import { useMay } from '../../session/profile'
import { RULES_PATH } from '../addresses'
import { useRuleColumns } from './columns'

const RuleDialog = onDemand(() => import('./RuleDialog').then((found) => found.RuleDialog))

const route = getRouteApi('/inside/alerts')

export function RuleList() {
  const { t } = useTranslation('alerts')
  const { page, page_size } = route.useSearch()
  const navigate = route.useNavigate()
  const isEditor = useMay('editor')
  const query = useQuery({
    ...get(RULES_PATH, { params: { query: { page, page_size } } }),
    placeholderData: keepPreviousData,
  })
  const dialog = useEdited(query.data?.items, sameId)
  const columns = useRuleColumns(dialog.edit)
  const create = isEditor && (
    <Button type="primary" icon={<PlusOutlined />} onClick={dialog.create}>
      {t('rules.create')}
    </Button>
  )
  return (
    <>
      <Flex gap="small" justify="space-between" align="start" style={{ marginBottom: 12 }} wrap>
        <Typography.Text type="secondary" style={{ maxWidth: 720 }}>
          {t('rules.lead')}
        </Typography.Text>
        {create}
      </Flex>
      <ListTable
        query={query}
        columns={columns}
        onPage={(page, page_size) => void navigate({ search: (before) => ({ ...before, page, page_size }) })}
        empty={<EmptyState title={t('rules.empty')} hint={t('rules.emptyHint')} action={create} />}
      />
      <RuleDialog rule={dialog.edited} isOpen={dialog.isOpen} onClose={dialog.close} />
    </>
  )
}
