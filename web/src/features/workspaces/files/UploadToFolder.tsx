import { useQueryClient } from '@tanstack/react-query'
import { Alert } from 'antd'
import { useTranslation } from 'react-i18next'

import { changed } from '../../../api/client'
import { upload } from '../../../api/upload'
import { UploadDialog } from '../../../ui/UploadDialog'
import { addressOf, WORKSPACE } from '../addresses'
import { inFolder } from './paths'

interface Props {
  name: string
  /** Of the folder into which they go. */
  path: string
  onDone: () => void
  onClose: () => void
}

/** Uploads files into a folder of the workspace. */
export function UploadToFolder({ name, path, onDone, onClose }: Props) {
  const { t, i18n } = useTranslation('workspaces')
  const { t: c } = useTranslation()
  const client = useQueryClient()
  const send = (file: File, told: (part: number) => void, signal: AbortSignal) => {
    const form = new FormData()
    form.append('path', inFolder(path, file.name))
    form.append('file', file)
    return upload(addressOf(name, 'files/upload'), form, i18n.language, told, signal)
  }
  return (
    <UploadDialog
      title={t('uploadTo', { folder: path || name })}
      okText={c('action.upload')}
      chooseText={t('choose')}
      finishText={t('placing')}
      before={<Alert type="info" showIcon title={t('replaces')} />}
      send={send}
      onSettled={() => changed(client, WORKSPACE)}
      onDone={onDone}
      onClose={onClose}
    />
  )
}
