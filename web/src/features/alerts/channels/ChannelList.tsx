import { PlusOutlined } from '@ant-design/icons'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { Button, Flex } from 'antd'
import { useTranslation } from 'react-i18next'

import { get } from '../../../api/client'
import { EmptyState } from '../../../ui/EmptyState'
import { ListTable } from '../../../ui/ListTable'
import { onDemand } from '../../../ui/onDemand'
import { sameId, useEdited } from '../../../ui/useEdited'
import { useMay } from '../../session/profile'
import { CHANNELS_PATH } from '../addresses'
import { useChannelColumns } from './columns'

const ChannelDialog = onDemand(() => import('./ChannelDialog').then((found) => found.ChannelDialog))

const route = getRouteApi('/inside/alerts')

export function ChannelList() {
  const { t } = useTranslation('alerts')
  const { page, page_size } = route.useSearch()
  const navigate = route.useNavigate()
  const isEditor = useMay('editor')
  const query = useQuery({
    ...get(CHANNELS_PATH, { params: { query: { page, page_size } } }),
    placeholderData: keepPreviousData,
  })
  const dialog = useEdited(query.data?.items, sameId)
  const columns = useChannelColumns(dialog.edit)
  const create = isEditor && (
    <Button type="primary" icon={<PlusOutlined />} onClick={dialog.create}>
      {t('channels.create')}
    </Button>
  )
  return (
    <>
      <Flex justify="end" style={{ marginBottom: 12 }}>
        {create}
      </Flex>
      <ListTable
        query={query}
        columns={columns}
        onPage={(page, page_size) => void navigate({ search: (before) => ({ ...before, page, page_size }) })}
        empty={<EmptyState title={t('channels.empty')} hint={t('channels.emptyHint')} action={create} />}
      />
      <ChannelDialog channel={dialog.edited} isOpen={dialog.isOpen} onClose={dialog.close} />
    </>
  )
}
