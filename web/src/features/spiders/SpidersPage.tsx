import { PlusOutlined } from '@ant-design/icons'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { Button, Flex, Select } from 'antd'
import { useCallback } from 'react'
import { useTranslation } from 'react-i18next'

import { get } from '../../api/client'
import { EmptyState } from '../../ui/EmptyState'
import { ListTable } from '../../ui/ListTable'
import { onDemand } from '../../ui/onDemand'
import { PageHeader } from '../../ui/PageHeader'
import { SearchBox } from '../../ui/SearchBox'
import { useEdited } from '../../ui/useEdited'
import { useMay } from '../session/profile'
import { useSpiderColumns } from './list/columns'
import { ProjectSelect } from './list/ProjectSelect'
import { useLatestTasks } from './useLatestTasks'

const CreateDialog = onDemand(() => import('./list/CreateDialog').then((found) => found.CreateDialog))

const route = getRouteApi('/inside/spiders')

export function SpidersPage() {
  const { t } = useTranslation('spiders')
  const { t: c } = useTranslation()
  const mayEdit = useMay('editor')
  const { page, page_size, ...filter } = route.useSearch()
  const navigate = route.useNavigate()
  const dialog = useEdited<never>()
  const query = useQuery({
    ...get('/platform/api/crawlhub/spiders', { params: { query: { page, page_size, ...filter } } }),
    placeholderData: keepPreviousData,
  })
  const latest = useLatestTasks(query.data?.items.map(({ id }) => id) ?? [])
  const columns = useSpiderColumns(latest)
  const find = useCallback(
    (next: Partial<typeof filter>) => void navigate({ search: (now) => ({ ...now, ...next, page: undefined }) }),
    [navigate],
  )
  const search = useCallback((keyword: string) => find({ keyword: keyword || undefined }), [find])
  const create = mayEdit && (
    <Button type="primary" icon={<PlusOutlined />} onClick={dialog.create}>
      {t('create')}
    </Button>
  )
  const isFiltered = (filter.keyword ?? filter.project_id ?? filter.is_active) !== undefined
  return (
    <>
      <PageHeader title={t('title')} actions={create} />
      <Flex gap="small" wrap style={{ marginBottom: 12 }}>
        <SearchBox value={filter.keyword ?? ''} onSearch={search} placeholder={t('search')} />
        <ProjectSelect
          allowClear
          aria-label={t('project')}
          placeholder={t('anyProject')}
          value={filter.project_id}
          onChange={(project_id?: string) => find({ project_id })}
          style={{ minWidth: 170 }}
        />
        <Select<'on' | 'off'>
          allowClear
          aria-label={c('word.status')}
          placeholder={t('anyState')}
          value={filter.is_active === undefined ? undefined : filter.is_active ? 'on' : 'off'}
          onChange={(state?: 'on' | 'off') => find({ is_active: state && state === 'on' })}
          options={[
            { value: 'on', label: c('word.enabled') },
            { value: 'off', label: c('word.disabled') },
          ]}
          style={{ minWidth: 120 }}
        />
      </Flex>
      <ListTable
        query={query}
        columns={columns}
        onPage={(page, page_size) => void navigate({ search: (now) => ({ ...now, page, page_size }) })}
        empty={
          isFiltered ? (
            <EmptyState
              title={t('noneFound')}
              hint={t('noneFoundHint')}
              action={<Button onClick={() => void navigate({ search: {} })}>{t('clearFilters')}</Button>}
            />
          ) : (
            <EmptyState title={t('empty')} hint={t('emptyHint')} action={create} />
          )
        }
      />
      <CreateDialog isOpen={dialog.isOpen} onClose={dialog.close} projectId={filter.project_id} />
    </>
  )
}
