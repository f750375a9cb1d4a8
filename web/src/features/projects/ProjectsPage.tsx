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
import { PROJECTS } from './addresses'
import { useProjectColumns } from './columns'

const ProjectDialog = onDemand(() => import('./ProjectDialog').then((found) => found.ProjectDialog))

const route = getRouteApi('/inside/projects')

/** Groups of spiders. */
export function ProjectsPage() {
  const { t } = useTranslation('projects')
  const { t: c } = useTranslation()
  const isEditor = useMay('editor')
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const query = useQuery({
    ...get(PROJECTS, { params: { query: search } }),
    placeholderData: keepPreviousData,
  })
  const dialog = useEdited(query.data?.items, sameId)
  const columns = useProjectColumns(dialog.edit)
  const create = isEditor && (
    <Button type="primary" icon={<PlusOutlined />} onClick={dialog.create}>
      {t('create')}
    </Button>
  )
  return (
    <>
      <PageHeader title={c('nav.projects')} lead={t('lead')} actions={create} />
      <ListTable
        query={query}
        columns={columns}
        onPage={(page, page_size) => void navigate({ search: { page, page_size } })}
        empty={<EmptyState title={t('empty')} hint={t('emptyHint')} action={create} />}
      />
      <ProjectDialog project={dialog.edited} isOpen={dialog.isOpen} onClose={dialog.close} />
    </>
  )
}
