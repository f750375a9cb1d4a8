import { DownloadOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Button, Table, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import { get, type Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { EmptyState } from '../../../ui/EmptyState'
import { bytes } from '../../../ui/format'
import { Loaded } from '../../../ui/Loaded'
import { TimeText } from '../../../ui/TimeText'
import { isActive, TASK, type Task } from '../addresses'
import { downloadLarge } from '../downloadLarge'

type File = Schemas['TaskFile']

const LOOK_AGAIN_MS = 5000

/** What a spider uploaded while it ran. */
export function FilesTab({ task }: { task: Task }) {
  const { t } = useTranslation('tasks')
  const { t: c } = useTranslation()
  const query = useQuery({
    ...get(`${TASK}/files`, { params: { path: { id: task.id } } }),
    refetchInterval: isActive(task) ? LOOK_AGAIN_MS : false,
  })
  const columns: TableColumnsType<File> = [
    { title: t('taskFiles.name'), render: (_, { filename }) => <bdi>{filename}</bdi> },
    { title: t('taskFiles.size'), align: 'right', render: (_, { size }) => bytes(size) },
    { title: t('taskFiles.at'), render: (_, { created_at }) => <TimeText at={created_at} /> },
    { title: c('word.actions'), render: (_, file) => <Download taskId={task.id} file={file} /> },
  ]
  return (
    <Loaded query={query}>
      {(files) => (
        <Table
          rowKey="id"
          size="middle"
          columns={columns}
          dataSource={files}
          pagination={{ hideOnSinglePage: true, pageSize: 50, showSizeChanger: false }}
          scroll={files.length > 0 ? { x: 'max-content' } : undefined}
          locale={{ emptyText: <EmptyState title={t('taskFiles.none')} hint={t('taskFiles.noneHint')} /> }}
        />
      )}
    </Loaded>
  )
}

function Download({ taskId, file }: { taskId: string; file: File }) {
  const { t } = useTranslation('tasks')
  const { t: c } = useTranslation()
  const download = useChange(() => downloadLarge(`${TASK.replace('{id}', taskId)}/files/${file.id}`))
  return (
    <Button
      size="small"
      icon={<DownloadOutlined />}
      aria-label={t('taskFiles.downloadOne', { name: file.filename })}
      loading={download.isPending}
      onClick={() => download.mutate(undefined)}
    >
      {c('action.download')}
    </Button>
  )
}
