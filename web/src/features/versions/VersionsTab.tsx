import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { Button, Flex } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { get } from '../../api/client'
import { EmptyState } from '../../ui/EmptyState'
import { ListTable } from '../../ui/ListTable'
import { onDemand } from '../../ui/onDemand'
import { useMay } from '../session/profile'
import { FILES, VERSIONS } from './address'
import { useColumns } from './columns'
import type { Sides } from './CompareDrawer'
import { Running } from './Running'

const CompareDrawer = onDemand(() => import('./CompareDrawer').then((found) => found.CompareDrawer))
const PublishDialog = onDemand(() => import('./PublishDialog').then((found) => found.PublishDialog))

const route = getRouteApi('/inside/spiders/$spiderId/versions')

/** The versions of a spider's code: what runs, what was different, and the way back. */
export function VersionsTab() {
  const { t } = useTranslation('versions')
  const { spiderId } = route.useParams()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const mayChange = useMay('editor')
  const [isPublishing, setIsPublishing] = useState(false)
  const [compared, setCompared] = useState<Sides | null>(null)
  const query = useQuery({
    ...get(VERSIONS, { params: { path: { id: spiderId }, query: search } }),
    placeholderData: keepPreviousData,
  })
  const versions = query.data?.items ?? []
  const columns = useColumns(spiderId, ({ id }) => {
    const before = versions[versions.findIndex((version) => version.id === id) + 1]
    setCompared(before ? { from: before.id, to: id } : { from: id, to: FILES })
  })
  const newest = versions[0]
  const publish = mayChange && (
    <Button type="primary" onClick={() => setIsPublishing(true)}>
      {t('publish')}
    </Button>
  )
  return (
    <Flex vertical gap="middle">
      <Running spiderId={spiderId} />
      <Flex gap="small" wrap>
        {publish}
        {newest && (
          <Button onClick={() => setCompared({ from: newest.id, to: FILES })}>
            {t('compareFiles', { version: newest.version })}
          </Button>
        )}
      </Flex>
      <ListTable
        query={query}
        columns={columns}
        onPage={(page, page_size) => void navigate({ search: { page, page_size } })}
        empty={<EmptyState title={t('empty')} hint={t('emptyHint')} action={publish} />}
      />
      {isPublishing && <PublishDialog spiderId={spiderId} onClose={() => setIsPublishing(false)} />}
      {compared && (
        <CompareDrawer
          spiderId={spiderId}
          {...compared}
          known={versions}
          onChange={setCompared}
          onClose={() => setCompared(null)}
        />
      )}
    </Flex>
  )
}
