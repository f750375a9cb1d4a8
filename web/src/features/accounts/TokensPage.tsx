import { PlusOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Button, Card, Table } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { get, type Schemas } from '../../api/client'
import { EmptyState } from '../../ui/EmptyState'
import { Loaded } from '../../ui/Loaded'
import { onDemand } from '../../ui/onDemand'
import { PageHeader } from '../../ui/PageHeader'
import { useTokenColumns } from './tokens/columns'
import { CreatedToken } from './tokens/CreatedToken'

const TokenDialog = onDemand(() => import('./tokens/TokenDialog').then((found) => found.TokenDialog))

/** One's own API tokens. */
export function TokensPage() {
  const { t } = useTranslation('accounts')
  const { t: c } = useTranslation()
  const [isOpen, setIsOpen] = useState(false)
  const [created, setCreated] = useState<Schemas['CreatedToken'] | null>(null)
  const query = useQuery(get('/platform/api/tokens'))
  const columns = useTokenColumns()
  const create = (
    <Button type="primary" icon={<PlusOutlined />} onClick={() => setIsOpen(true)}>
      {t('tokens.create')}
    </Button>
  )
  return (
    <>
      <PageHeader title={c('nav.tokens')} lead={t('tokens.lead')} actions={create} />
      <Loaded query={query}>
        {(tokens) =>
          tokens.length === 0 ? (
            <Card>
              <EmptyState title={t('tokens.empty')} hint={t('tokens.emptyHint')} action={create} />
            </Card>
          ) : (
            <Table
              rowKey="id"
              size="middle"
              columns={columns}
              dataSource={tokens}
              scroll={{ x: 'max-content' }}
              pagination={{ hideOnSinglePage: true, showSizeChanger: false, pageSize: 20 }}
            />
          )
        }
      </Loaded>
      <TokenDialog isOpen={isOpen} onClose={() => setIsOpen(false)} onCreated={setCreated} />
      <CreatedToken token={created} onClose={() => setCreated(null)} />
    </>
  )
}
