import { PlusOutlined } from '@ant-design/icons'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { Button } from 'antd'
import { useTranslation } from 'react-i18next'

import { get } from '../../api/client'
import { EmptyState } from '../../ui/EmptyState'
import { ListTable } from '../../ui/ListTable'
import { onDemand } from '../../ui/onDemand'
import { PageHeader } from '../../ui/PageHeader'
import { sameId, useEdited } from '../../ui/useEdited'
import { useMay } from '../session/profile'
import { DATASOURCES } from './addresses'
import { useSourceColumns } from './columns'

const SourceDialog = onDemand(() => import('./SourceDialog').then((found) => found.SourceDialog))

const route = getRouteApi('/inside/datasources')

/** Databases of the users' own, into which spiders' items are written. */
export function DatasourcesPage() {
  const { t } = useTranslation('datasources')
  const { t: c } = useTranslation()
  const isEditor = useMay('editor')
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const query = useQuery({
    ...get(DATASOURCES, { params: { query: search } }),
    placeholderData: keepPreviousData,
  })
  const dialog = useEdited(query.data?.items, sameId)
  const columns = useSourceColumns(dialog.edit)
  const create = isEditor && (
    <Button type="primary" icon={<PlusOutlined />} onClick={dialog.create}>
      {t('create')}
    </Button>
  )
  return (
    <>
      <PageHeader title={c('nav.datasources')} lead={t('lead')} actions={create} />
      <ListTable
        query={query}
        columns={columns}
        onPage={(page, page_size) => void navigate({ search: { page, page_size } })}
        empty={<EmptyState title={t('empty')} hint={t('emptyHint')} action={create} />}
      />
      <SourceDialog source={dialog.edited} isOpen={dialog.isOpen} onClose={dialog.close} />
    </>
  )
}
