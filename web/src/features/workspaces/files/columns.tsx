import { DeleteOutlined, DownloadOutlined, FileOutlined, FolderOutlined, LinkOutlined } from '@ant-design/icons'
import { Button, Flex, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, type Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { ConfirmButton } from '../../../ui/ConfirmButton'
import { bytes } from '../../../ui/format'
import { saveFrom, saveLargeFrom } from '../../../ui/saveFrom'
import { TimeText } from '../../../ui/TimeText'
import { addressOf, FILES, WORKSPACE } from '../addresses'

type File = Schemas['WorkspaceFile']

/** What is larger is not held in this page. In bytes. */
const LARGE = 32 * 1024 * 1024

export function useColumns(name: string, onFolder: (path: string) => void): TableColumnsType<File> {
  const { t } = useTranslation('workspaces')
  const { t: c } = useTranslation()
  return [
    {
      title: c('word.name'),
      render: (_, { filename, path, is_dir, is_special }) => (
        <Flex gap="small" align="baseline" style={{ minWidth: 160, maxWidth: 560 }}>
          {is_dir ? <FolderOutlined /> : is_special ? <LinkOutlined /> : <FileOutlined />}
          {is_dir ? (
            <Button
              type="link"
              size="small"
              style={{ padding: 0, height: 'auto', whiteSpace: 'normal', textAlign: 'start' }}
              onClick={() => onFolder(path)}
            >
              <bdi style={{ overflowWrap: 'anywhere' }}>{filename}</bdi>
            </Button>
          ) : (
            <bdi style={{ overflowWrap: 'anywhere', whiteSpace: 'normal' }}>{filename}</bdi>
          )}
        </Flex>
      ),
    },
    { title: t('size'), align: 'right', render: (_, { size, is_dir }) => (is_dir ? '—' : bytes(size)) },
    { title: t('modified'), render: (_, { modified_at }) => <TimeText at={modified_at} /> },
    { title: c('word.actions'), render: (_, file) => <FileActions name={name} file={file} /> },
  ]
}

function FileActions({ name, file: { filename, path, size, is_dir, is_special } }: { name: string; file: File }) {
  const { t } = useTranslation('workspaces')
  const { t: c } = useTranslation()
  const address = addressOf(name, `files/download?${new URLSearchParams({ path }).toString()}`)
  const download = useChange(() => (is_dir || size > LARGE ? saveLargeFrom(address) : saveFrom(address)))
  const remove = useChange(() => api.DELETE(FILES, { params: { path: { name }, query: { path } } }), {
    refreshes: [WORKSPACE],
    done: c('said.deleted'),
  })
  return (
    <Flex gap="small">
      <Button
        size="small"
        icon={<DownloadOutlined />}
        aria-label={t(is_dir ? 'downloadFolder' : 'downloadFile', { name: filename })}
        title={is_special ? t('special') : undefined}
        disabled={is_special}
        loading={download.isPending}
        onClick={() => download.mutate(undefined)}
      />
      <ConfirmButton
        size="small"
        icon={<DeleteOutlined />}
        aria-label={t('deleteLabel', { name: filename })}
        question={t(is_dir ? 'deleteFolder' : 'deleteFile', { name: filename })}
        consequence={t(is_dir ? 'deleteFolderHint' : 'deleteFileHint')}
        loading={remove.isPending}
        onConfirm={() => remove.mutateAsync(undefined)}
      />
    </Flex>
  )
}
