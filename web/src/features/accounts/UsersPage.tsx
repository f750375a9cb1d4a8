import { UserAddOutlined } from '@ant-design/icons'
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
import { useUserColumns } from './users/columns'

const UserDialog = onDemand(() => import('./users/UserDialog').then((found) => found.UserDialog))

const route = getRouteApi('/inside/users')

/** Who may sign in. */
export function UsersPage() {
  const { t } = useTranslation('accounts')
  const { t: c } = useTranslation()
  const isAdmin = useMay('admin')
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const query = useQuery({
    ...get('/platform/api/users', { params: { query: search } }),
    placeholderData: keepPreviousData,
  })
  const dialog = useEdited(query.data?.items, sameId)
  const columns = useUserColumns(dialog.edit)
  const create = isAdmin && (
    <Button type="primary" icon={<UserAddOutlined />} onClick={dialog.create}>
      {t('users.create')}
    </Button>
  )
  return (
    <>
      <PageHeader title={c('nav.users')} lead={t('users.lead')} actions={create} />
      <ListTable
        query={query}
        columns={columns}
        onPage={(page, page_size) => void navigate({ search: { page, page_size } })}
        empty={<EmptyState title={t('users.empty')} action={create} />}
      />
      <UserDialog user={dialog.edited} isOpen={dialog.isOpen} onClose={dialog.close} />
    </>
  )
}
