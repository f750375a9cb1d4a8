import { DownloadOutlined, SaveOutlined } from '@ant-design/icons'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Alert, Button, Flex, Tag, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { api } from '../../api/client'
import { useChange } from '../../api/useChange'
import { CodeEditor } from '../../ui/CodeEditor'
import { ConfirmButton } from '../../ui/ConfirmButton'
import { EmptyState } from '../../ui/EmptyState'
import { bytes } from '../../ui/format'
import { Loaded } from '../../ui/Loaded'
import { contentOf, FILES, type SpiderFile } from './address'
import { downloadFile } from './download'
import type { Draft } from './drafts'
import { whyNotOpened } from './openable'
import styles from './FilesTab.module.css'

interface Props {
  file: SpiderFile
  draft: Draft | undefined
  isReadOnly: boolean
  isSaving: boolean
  onEdit: (text: string, base: string, baseHash: string) => void
  onSave: () => void
  onRename: () => void
  onDeleted: () => void
}

/** The file that is looked at, with what can be done with it. */
export function FilePane({ file, draft, isReadOnly, isSaving, onEdit, onSave, onRename, onDeleted }: Props) {
  const { t } = useTranslation('files')
  const { t: c } = useTranslation()
  const client = useQueryClient()
  const isLarge = whyNotOpened(file.size, undefined) === 'large'
  const query = useQuery({ ...contentOf(file.spider_id, file.id), enabled: !isLarge })
  const params = { path: { id: file.spider_id, file_id: file.id } }
  const remove = useChange(() => api.DELETE(`${FILES}/{file_id}`, { params }), {
    refreshes: [FILES],
    done: c('said.deleted'),
    onSuccess: onDeleted,
  })
  const download = useChange(() => downloadFile(client, file))
  const downloadButton = (
    <Button size="small" icon={<DownloadOutlined />} loading={download.isPending} onClick={() => download.mutate()}>
      {c('action.download')}
    </Button>
  )
  const isStale = draft && query.data && query.data.hash !== draft.baseHash && !isSaving
  return (
    <section className={styles.pane} aria-label={file.path}>
      <Flex justify="space-between" align="center" gap="small" wrap className={styles.bar}>
        <Flex align="center" gap="small" style={{ minWidth: 0 }}>
          <Typography.Text strong ellipsis={{ tooltip: file.path }}>
            <bdi>{file.path}</bdi>
          </Typography.Text>
          {draft && <Tag color="warning">● {t('unsaved')}</Tag>}
        </Flex>
        <Flex gap={4} wrap>
          {!isReadOnly && (
            <>
              <Button
                size="small"
                type="primary"
                icon={<SaveOutlined />}
                title="Ctrl+S"
                disabled={!draft}
                loading={isSaving}
                onClick={onSave}
              >
                {c('action.save')}
              </Button>
              <Button size="small" onClick={onRename}>
                {t('rename')}
              </Button>
            </>
          )}
          {downloadButton}
          {!isReadOnly && (
            <ConfirmButton
              size="small"
              question={t('deleteFile', { path: file.path })}
              consequence={t('deleteHint')}
              loading={remove.isPending}
              onConfirm={() => remove.mutateAsync()}
            >
              {c('action.delete')}
            </ConfirmButton>
          )}
        </Flex>
      </Flex>
      {isStale && <Alert type="warning" showIcon banner title={t('changedMeanwhile')} />}
      {isLarge ? (
        <EmptyState title={t('tooLarge')} hint={bytes(file.size)} action={downloadButton} />
      ) : (
        <Loaded query={query}>
          {({ content, hash, size }) =>
            whyNotOpened(size, content) ? (
              <EmptyState title={t('binary')} hint={bytes(size)} action={downloadButton} />
            ) : (
              <div className={styles.editor}>
                <CodeEditor
                  path={file.path}
                  value={draft?.text ?? content ?? ''}
                  onChange={(text) => onEdit(text, content ?? '', hash)}
                  onSave={onSave}
                  isReadOnly={isReadOnly}
                  height="100%"
                  label={t('editorOf', { path: file.path })}
                />
              </div>
            )
          }
        </Loaded>
      )}
    </section>
  )
}
