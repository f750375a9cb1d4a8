import { FileTextOutlined, PlusOutlined } from '@ant-design/icons'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { Button, Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { get } from '../../api/client'
import { apiFetch } from '../../api/fetch'
import { useChange } from '../../api/useChange'
import { EmptyState } from '../../ui/EmptyState'
import { ListTable } from '../../ui/ListTable'
import { onDemand } from '../../ui/onDemand'
import { PageHeader } from '../../ui/PageHeader'
import { saveAs } from '../../ui/saveFrom'
import { useMay } from '../session/profile'
import { INSTANCES, limits as limitsOf } from './addresses'
import { lookAgain } from './life'
import { useColumns } from './list/columns'

const CreateDialog = onDemand(() => import('./create/CreateDialog').then((found) => found.CreateDialog))
const InstanceDrawer = onDemand(() => import('./drawer/InstanceDrawer').then((found) => found.InstanceDrawer))

const route = getRouteApi('/inside/instances')

/** Programs with a web page of their own. */
export function InstancesPage() {
  const { t } = useTranslation('instances')
  const { t: c } = useTranslation()
  const mayCreate = useMay('editor')
  const { shown, ...paging } = route.useSearch()
  const navigate = route.useNavigate()
  const [isCreating, setIsCreating] = useState(false)
  const query = useQuery({
    ...get(INSTANCES, { params: { query: paging } }),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state: { data } }) => lookAgain(data?.items ?? []),
  })
  const limits = useQuery(limitsOf()).data
  const isOff = limits?.images.length === 0
  const show = (prefix?: string) => void navigate({ search: (now) => ({ ...now, shown: prefix }) })
  const columns = useColumns(query.data?.items ?? [], show)
  const compose = useChange(async () => {
    const answer = await apiFetch(new URL(`${INSTANCES}/compose.yaml`, location.origin).href)
    saveAs(await answer.blob(), 'compose.yaml')
  })
  const create = mayCreate && limits && !isOff && (
    <Button type="primary" icon={<PlusOutlined />} onClick={() => setIsCreating(true)}>
      {t('create')}
    </Button>
  )
  const hasAny = (query.data?.items.length ?? 0) > 0
  return (
    <>
      <PageHeader
        title={c('nav.instances')}
        lead={t('lead')}
        actions={
          <>
            {hasAny && (
              <Button icon={<FileTextOutlined />} loading={compose.isPending} onClick={() => compose.mutate(undefined)}>
                {t('compose')}
              </Button>
            )}
            {create}
          </>
        }
      />
      <ListTable
        query={query}
        columns={columns}
        onPage={(page, page_size) => void navigate({ search: (now) => ({ ...now, page, page_size }) })}
        empty={
          isOff ? (
            <EmptyState
              title={t('off')}
              hint={
                <>
                  {t('offHint')}{' '}
                  <Typography.Text code>CRAWLHUB_INSTANCES_IMAGES=python:3.13-slim,nginx:alpine</Typography.Text>
                </>
              }
            />
          ) : (
            <EmptyState title={t('empty')} hint={t('emptyHint')} action={create} />
          )
        }
      />
      {limits && (
        <CreateDialog limits={limits} isOpen={isCreating} onClose={() => setIsCreating(false)} onCreated={show} />
      )}
      {shown && <InstanceDrawer key={shown} prefix={shown} onClose={() => show()} />}
    </>
  )
}
