import { PlusOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Button, Card, Flex, Table } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { get } from '../../api/client'
import { EmptyState } from '../../ui/EmptyState'
import { Loaded } from '../../ui/Loaded'
import { onDemand } from '../../ui/onDemand'
import { PageHeader } from '../../ui/PageHeader'
import { DEFAULT, WORKSPACES } from './addresses'
import { useColumns } from './columns'

const CreateDialog = onDemand(() => import('./CreateDialog').then((found) => found.CreateDialog))

const LOOK_EVERY_MS = 15_000

/** One's own workspaces. */
export function WorkspacesPage() {
  const { t } = useTranslation('workspaces')
  const { t: c } = useTranslation()
  const [isOpen, setIsOpen] = useState(false)
  // To look at the one that everybody has makes it.
  const query = useQuery({ ...get(WORKSPACES), staleTime: 0, refetchInterval: LOOK_EVERY_MS })
  const columns = useColumns()
  const create = (
    <Button type="primary" icon={<PlusOutlined />} onClick={() => setIsOpen(true)}>
      {t('create')}
    </Button>
  )
  return (
    <>
      <PageHeader title={c('nav.workspaces')} lead={t('lead')} actions={create} />
      <Loaded query={query}>
        {(workspaces) =>
          workspaces.length === 0 ? (
            <Card>
              <EmptyState
                title={t('empty')}
                hint={t('emptyHint')}
                action={
                  <Flex gap="small" justify="center" wrap>
                    <Link to="/workspaces/$name" params={{ name: DEFAULT }}>
                      {t('openDefault')}
                    </Link>
                  </Flex>
                }
              />
            </Card>
          ) : (
            <Table
              rowKey="name"
              size="middle"
              columns={columns}
              dataSource={workspaces}
              scroll={{ x: 'max-content' }}
              pagination={false}
            />
          )
        }
      </Loaded>
      <CreateDialog isOpen={isOpen} onClose={() => setIsOpen(false)} />
    </>
  )
}
