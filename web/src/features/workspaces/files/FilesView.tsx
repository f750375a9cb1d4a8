import { FolderAddOutlined, ReloadOutlined, UploadOutlined } from '@ant-design/icons'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Button, Card, Flex, Table } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { get } from '../../../api/client'
import { EmptyState } from '../../../ui/EmptyState'
import { Loaded } from '../../../ui/Loaded'
import { onDemand } from '../../../ui/onDemand'
import { pageItem } from '../../../ui/pageItem'
import { PathBar } from '../../../ui/PathBar'
import { FILES } from '../addresses'
import { useColumns } from './columns'

const FolderDialog = onDemand(() => import('./FolderDialog').then((found) => found.FolderDialog))
const UploadToFolder = onDemand(() => import('./UploadToFolder').then((found) => found.UploadToFolder))

const PAGE_SIZE = 100

interface Props {
  name: string
  /** Of the folder, from the workspace; empty: the workspace itself. */
  path: string
  page: number
  onShow: (path: string, page?: number) => void
}

/** What a folder of the workspace has. */
export function FilesView({ name, path, page, onShow }: Props) {
  const { t } = useTranslation('workspaces')
  const { t: c } = useTranslation()
  const [asked, setAsked] = useState<'folder' | 'upload' | null>(null)
  const query = useQuery({
    ...get(FILES, { params: { path: { name }, query: { path, page, page_size: PAGE_SIZE } } }),
    placeholderData: keepPreviousData,
  })
  const columns = useColumns(name, onShow)
  const close = () => setAsked(null)
  const upload = (
    <Button type="primary" icon={<UploadOutlined />} onClick={() => setAsked('upload')}>
      {c('action.upload')}
    </Button>
  )
  return (
    <>
      <Flex gap="small" wrap justify="space-between" align="center" style={{ marginBottom: 12 }}>
        <PathBar label={t('folders')} name={name} path={path} onShow={onShow} />
        <Flex gap="small" wrap>
          {upload}
          <Button icon={<FolderAddOutlined />} onClick={() => setAsked('folder')}>
            {t('newFolder')}
          </Button>
          <Button icon={<ReloadOutlined />} loading={query.isFetching} onClick={() => void query.refetch()}>
            {c('action.refresh')}
          </Button>
        </Flex>
      </Flex>
      <Loaded query={query}>
        {({ files, total }) =>
          total === 0 && !query.isPlaceholderData ? (
            <Card>
              <EmptyState title={t('noFiles')} hint={t('noFilesHint')} action={upload} />
            </Card>
          ) : (
            <Table
              rowKey="path"
              size="small"
              columns={columns}
              dataSource={files}
              loading={query.isPlaceholderData}
              scroll={{ x: 'max-content' }}
              pagination={{
                itemRender: pageItem,
                current: page,
                pageSize: PAGE_SIZE,
                total,
                showSizeChanger: false,
                hideOnSinglePage: true,
                showTotal: (count) => c('word.total', { total: count }),
                onChange: (next) => onShow(path, next),
              }}
            />
          )
        }
      </Loaded>
      {asked === 'folder' && <FolderDialog name={name} path={path} onDone={close} onClose={close} />}
      {asked === 'upload' && <UploadToFolder name={name} path={path} onDone={close} onClose={close} />}
    </>
  )
}
