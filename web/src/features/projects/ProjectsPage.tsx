import { BranchesOutlined, PlusOutlined } from '@ant-design/icons'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { Button, Flex } from 'antd'
import { useState } from 'react'
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
import { lookAgain } from './git/sync'

const ProjectDialog = onDemand(() => import('./ProjectDialog').then((found) => found.ProjectDialog))

const CloneDialog = onDemand(() => import('./git/CloneDialog').then((found) => found.CloneDialog))
const RepositoryDrawer = onDemand(() => import('./git/RepositoryDrawer').then((found) => found.RepositoryDrawer))

const route = getRouteApi('/inside/projects')

/** Groups of spiders. */
export function ProjectsPage() {
  const { t } = useTranslation('projects')
  const { t: c } = useTranslation()
  const isEditor = useMay('editor')
  const { shown, ...paging } = route.useSearch()
  const navigate = route.useNavigate()
  const query = useQuery({
    ...get(PROJECTS, { params: { query: paging } }),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state: { data } }) => lookAgain(data?.items ?? []),
  })
  const dialog = useEdited(query.data?.items, sameId)
  const [isCloning, setIsCloning] = useState(false)
  const show = (id?: string) => void navigate({ search: (now) => ({ ...now, shown: id }) })
  const columns = useProjectColumns(dialog.edit, show)
  const create = isEditor && (
    <Flex gap="small" wrap justify="center">
      <Button icon={<BranchesOutlined />} onClick={() => setIsCloning(true)}>
        {t('git.clone')}
      </Button>
      <Button type="primary" icon={<PlusOutlined />} onClick={dialog.create}>
        {t('create')}
      </Button>
    </Flex>
  )
  return (
    <>
      <PageHeader title={c('nav.projects')} lead={t('lead')} actions={create} />
      <ListTable
        query={query}
        columns={columns}
        onPage={(page, page_size) => void navigate({ search: (now) => ({ ...now, page, page_size }) })}
        empty={<EmptyState title={t('empty')} hint={t('emptyHint')} action={create} />}
      />
      <ProjectDialog project={dialog.edited} isOpen={dialog.isOpen} onClose={dialog.close} />
      <CloneDialog isOpen={isCloning} onClose={() => setIsCloning(false)} onCloned={show} />
      {shown && <RepositoryDrawer key={shown} id={shown} onClose={() => show()} />}
    </>
  )
}
