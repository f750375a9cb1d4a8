import { useQueryClient } from '@tanstack/react-query'
import { Alert, Form, Input } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { changed } from '../../api/client'
import { upload } from '../../api/upload'
import { UploadDialog as Dialog } from '../../ui/UploadDialog'
import { FILES } from './address'
import { targetOf } from './uploadTarget'

interface Props {
  spiderId: string
  kind: 'files' | 'zip'
  /** What there is. */
  paths: string[]
  /** Where files go, unless another one is named. */
  folder: string
  onDone: () => void
  onClose: () => void
}

/** Uploads files into a folder, or a zip in place of everything. */
export function UploadDialog({ spiderId, kind, paths, folder, onDone, onClose }: Props) {
  const { t, i18n } = useTranslation('files')
  const client = useQueryClient()
  const [into, setInto] = useState(folder)
  const isZip = kind === 'zip'
  const send = (file: File, told: (part: number) => void, signal: AbortSignal) => {
    const form = new FormData()
    // The path first: it is read before the file that may be large.
    if (!isZip) form.append('path', targetOf(into, file.name))
    form.append('file', file)
    const address = `${FILES.replace('{id}', spiderId)}/${isZip ? 'upload-zip' : 'upload'}`
    return upload(address, form, i18n.language, told, signal)
  }
  const willReplaceAll = isZip && paths.length > 0
  return (
    <Dialog
      title={t(isZip ? 'uploadZip' : 'uploadFiles')}
      okText={t(isZip ? 'replaceAll' : 'upload')}
      isDanger={willReplaceAll}
      chooseText={t(isZip ? 'chooseZip' : 'chooseFiles')}
      finishText={t('unpacking')}
      refusedText={(count) => t('refused', { count })}
      accept={isZip ? '.zip,application/zip' : undefined}
      isSingle={isZip}
      before={willReplaceAll && <Alert type="warning" showIcon title={t('replaceHint', { count: paths.length })} />}
      send={send}
      onSettled={() => changed(client, FILES)}
      onDone={onDone}
      onClose={onClose}
    >
      {(chosen) => {
        if (isZip) return null
        const overwritten = chosen.map(({ name }) => targetOf(into, name)).filter((path) => paths.includes(path))
        return (
          <>
            <Form layout="vertical">
              <Form.Item label={t('folder')} htmlFor="upload-folder" extra={t('folderHint')} style={{ margin: 0 }}>
                <Input id="upload-folder" value={into} onChange={(event) => setInto(event.target.value)} />
              </Form.Item>
            </Form>
            {overwritten.length > 0 && (
              <Alert
                type="warning"
                showIcon
                title={t('overwrites')}
                description={<bdi>{overwritten.join(', ')}</bdi>}
              />
            )}
          </>
        )
      }}
    </Dialog>
  )
}
