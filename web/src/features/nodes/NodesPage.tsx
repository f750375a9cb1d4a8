import { PlusOutlined } from '@ant-design/icons'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { get, type Schemas } from '../../api/client'
import { EmptyState } from '../../ui/EmptyState'
import { ListTable } from '../../ui/ListTable'
import { onDemand } from '../../ui/onDemand'
import { PageHeader } from '../../ui/PageHeader'
import { sameId, useEdited } from '../../ui/useEdited'
import { useMay } from '../session/profile'
import { NODES } from './addresses'
import { useColumns } from './columns'
import { startCommand } from './start'

const ShownOnce = onDemand(() => import('../../ui/ShownOnce').then((found) => found.ShownOnce))
const NodeDialog = onDemand(() => import('./NodeDialog').then((found) => found.NodeDialog))

const route = getRouteApi('/inside/nodes')

/** An agent calls more often than that. */
const LOOK_EVERY_MS = 5000

/** Other machines that run spiders. */
export function NodesPage() {
  const { t } = useTranslation('nodes')
  const { t: c } = useTranslation()
  const isAdmin = useMay('admin')
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const [made, setMade] = useState<Schemas['NodeWithToken'] | null>(null)
  const query = useQuery({
    ...get(NODES, { params: { query: search } }),
    placeholderData: keepPreviousData,
    refetchInterval: LOOK_EVERY_MS,
  })
  const dialog = useEdited(query.data?.items, sameId)
  const columns = useColumns({ mayChange: isAdmin, onEdit: dialog.edit, onToken: setMade })
  const create = isAdmin && (
    <Button type="primary" icon={<PlusOutlined />} onClick={dialog.create}>
      {t('create')}
    </Button>
  )
  return (
    <>
      <PageHeader title={c('nav.nodes')} lead={t('lead')} actions={create} />
      <ListTable
        query={query}
        columns={columns}
        onPage={(page, page_size) => void navigate({ search: { page, page_size } })}
        empty={<EmptyState title={t('empty')} hint={t('emptyHint')} action={create} />}
      />
      <NodeDialog node={dialog.edited} isOpen={dialog.isOpen} onClose={dialog.close} onToken={setMade} />
      {made && (
        <ShownOnce
          title={t('tokenOf', { name: made.name })}
          warning={t('once')}
          parts={[
            { label: t('token'), text: made.agent_token },
            { label: t('start'), text: startCommand(made.name, made.agent_token, location.origin) },
          ]}
          doneText={t('kept')}
          onClose={() => setMade(null)}
        />
      )}
    </>
  )
}
