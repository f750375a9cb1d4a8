import { InboxOutlined } from '@ant-design/icons'
import { useQueryClient } from '@tanstack/react-query'
import { Alert, Flex, Form, Input, Modal, Progress, Upload } from 'antd'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { changed } from '../../api/client'
import { ApiError } from '../../api/errors'
import { errorText } from '../../ui/errorText'
import { FILES } from './address'
import { upload } from './upload'
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
  const { t: c } = useTranslation()
  const client = useQueryClient()
  const [chosen, setChosen] = useState<File[]>([])
  const [into, setInto] = useState(folder)
  const [progress, setProgress] = useState<number | null>(null)
  const [error, setError] = useState<unknown>(null)
  const stop = useRef(new AbortController())
  const isZip = kind === 'zip'
  const targets = chosen.map(({ name }) => targetOf(into, name))
  const overwritten = isZip ? [] : targets.filter((path) => paths.includes(path))

  const send = async () => {
    stop.current = new AbortController()
    setError(null)
    setProgress(0)
    const address = FILES.replace('{id}', spiderId)
    try {
      for (const [i, file] of chosen.entries()) {
        const form = new FormData()
        // The path first: it is read before the file that may be large.
        if (!isZip) form.append('path', targets[i]!)
        form.append('file', file)
        const told = (part: number) => setProgress((i + part) / chosen.length)
        await upload(`${address}/${isZip ? 'upload-zip' : 'upload'}`, form, i18n.language, told, stop.current.signal)
      }
      onDone()
    } catch (failure) {
      if (!stop.current.signal.aborted) setError(failure)
    } finally {
      setProgress(null)
      await changed(client, FILES)
    }
  }

  const cancel = () => {
    stop.current.abort()
    onClose()
  }

  return (
    <Modal
      open
      title={t(isZip ? 'uploadZip' : 'uploadFiles')}
      okText={t(isZip ? 'replaceAll' : 'upload')}
      okButtonProps={{ danger: isZip && paths.length > 0, disabled: chosen.length === 0 }}
      cancelText={c('action.cancel')}
      confirmLoading={progress !== null}
      mask={{ closable: false }}
      onOk={() => void send()}
      onCancel={cancel}
    >
      <Flex vertical gap="middle">
        {isZip && paths.length > 0 && (
          <Alert type="warning" showIcon title={t('replaceHint', { count: paths.length })} />
        )}
        <Upload.Dragger
          aria-label={t(isZip ? 'chooseZip' : 'chooseFiles')}
          accept={isZip ? '.zip,application/zip' : undefined}
          multiple={!isZip}
          maxCount={isZip ? 1 : undefined}
          disabled={progress !== null}
          beforeUpload={() => false}
          fileList={chosen.map((file, i) => ({ uid: String(i), name: file.name, size: file.size, status: 'done' }))}
          onChange={({ fileList }) => {
            setError(null)
            setChosen(fileList.flatMap((entry) => entry.originFileObj ?? chosen[Number(entry.uid)] ?? []))
          }}
        >
          <InboxOutlined style={{ fontSize: 32 }} />
          <div>{t(isZip ? 'chooseZip' : 'chooseFiles')}</div>
        </Upload.Dragger>
        {!isZip && (
          <Form layout="vertical">
            <Form.Item label={t('folder')} htmlFor="upload-folder" extra={t('folderHint')} style={{ margin: 0 }}>
              <Input id="upload-folder" value={into} onChange={(event) => setInto(event.target.value)} />
            </Form.Item>
          </Form>
        )}
        {overwritten.length > 0 && (
          <Alert type="warning" showIcon title={t('overwrites')} description={<bdi>{overwritten.join(', ')}</bdi>} />
        )}
        {progress !== null && (
          <Progress
            percent={Math.round(progress * 100)}
            format={(percent) => (percent === 100 ? t('unpacking') : `${percent}%`)}
            aria-label={t('uploading')}
          />
        )}
        {error !== null && <Refusal error={error} />}
      </Flex>
    </Modal>
  )
}

/** Each part of it that was refused in a line. */
function Refusal({ error }: { error: unknown }) {
  const { t } = useTranslation('files')
  const details = error instanceof ApiError ? error.details : []
  if (details.length < 2) return <Alert type="error" showIcon title={details[0]?.msg ?? errorText(error)} />
  return (
    <Alert
      type="error"
      showIcon
      title={t('refused', { count: details.length })}
      description={
        <ul style={{ margin: 0, paddingInlineStart: 18, maxHeight: 200, overflow: 'auto', overflowWrap: 'anywhere' }}>
          {details.map(({ loc, msg }) => (
            <li key={`${loc} ${msg}`}>
              {loc && <bdi>{loc.replace(/^body\./, '')}: </bdi>}
              {msg}
            </li>
          ))}
        </ul>
      }
    />
  )
}
