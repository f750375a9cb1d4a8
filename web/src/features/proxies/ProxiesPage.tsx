import { ImportOutlined, PlusOutlined, ReloadOutlined } from '@ant-design/icons'
import { getRouteApi } from '@tanstack/react-router'
import { Button, Flex, Segmented } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { EmptyState } from '../../ui/EmptyState'
import { ListTable } from '../../ui/ListTable'
import { onDemand } from '../../ui/onDemand'
import { PageHeader } from '../../ui/PageHeader'
import { sameId, useEdited } from '../../ui/useEdited'
import { useMay } from '../session/profile'
import { useProxyColumns } from './columns'
import { STATUSES } from './proxy'
import { useProxies } from './useProxies'

const ProxyDialog = onDemand(() => import('./ProxyDialog').then((found) => found.ProxyDialog))
const ImportDialog = onDemand(() => import('./ImportDialog').then((found) => found.ImportDialog))

const route = getRouteApi('/inside/proxies')

/** The addresses that spiders go out through. */
export function ProxiesPage() {
  const { t } = useTranslation('proxies')
  const { t: c } = useTranslation()
  const isEditor = useMay('editor')
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const [isImporting, setIsImporting] = useState(false)
  const { query, checkAll, waiting } = useProxies(search)
  const dialog = useEdited(query.data?.items, sameId)
  const columns = useProxyColumns(dialog.edit)
  const buttons = isEditor && (
    <>
      <Button icon={<ImportOutlined />} onClick={() => setIsImporting(true)}>
        {t('import.open')}
      </Button>
      <Button type="primary" icon={<PlusOutlined />} onClick={dialog.create}>
        {t('create')}
      </Button>
    </>
  )
  const hasAny = (query.data?.total ?? 0) > 0
  return (
    <>
      <PageHeader
        title={c('nav.proxies')}
        lead={t('lead')}
        actions={
          <>
            {isEditor && hasAny && (
              <Button icon={<ReloadOutlined />} loading={waiting > 0} onClick={checkAll}>
                {waiting > 0 ? t('checking', { count: waiting }) : t('checkAll')}
              </Button>
            )}
            {buttons}
          </>
        }
      />
      <Flex style={{ marginBottom: 12 }}>
        <Segmented
          aria-label={c('word.status')}
          value={search.status ?? 'all'}
          options={[
            { value: 'all', label: c('word.all') },
            ...STATUSES.map((value) => ({ value, label: t(`status.${value}`) })),
          ]}
          onChange={(value) =>
            void navigate({ search: { page_size: search.page_size, status: STATUSES.find((one) => one === value) } })
          }
        />
      </Flex>
      <ListTable
        query={query}
        columns={columns}
        onPage={(page, page_size) => void navigate({ search: (before) => ({ ...before, page, page_size }) })}
        empty={
          search.status ? (
            <EmptyState title={t('emptyFiltered')} />
          ) : (
            <EmptyState
              title={t('empty')}
              hint={t('emptyHint')}
              action={
                <Flex gap="small" justify="center" wrap>
                  {buttons}
                </Flex>
              }
            />
          )
        }
      />
      <ProxyDialog proxy={dialog.edited} isOpen={dialog.isOpen} onClose={dialog.close} />
      <ImportDialog isOpen={isImporting} onClose={() => setIsImporting(false)} />
    </>
  )
}
