import { CloudDownloadOutlined, FileAddOutlined, FileZipOutlined, UploadOutlined } from '@ant-design/icons'
import { Button, Flex, Tooltip } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import { useChange } from '../../api/useChange'
import { saveFrom } from '../../ui/saveFrom'
import { FILES } from './address'
import styles from './FilesTab.module.css'

export type Asked = 'new' | 'files' | 'zip'

interface Props {
  spiderId: string
  hasFiles: boolean
  isReadOnly: boolean
  onAsk: (what: Asked) => void
  children: ReactNode
}

/** The files, and what can be done with all of them. */
export function TreePane({ spiderId, hasFiles, isReadOnly, onAsk, children }: Props) {
  const { t } = useTranslation('files')
  const download = useChange(() => saveFrom(`${FILES.replace('{id}', spiderId)}/archive`))
  const asking = [
    ['new', t('newFile'), <FileAddOutlined key="new" />],
    ['files', t('uploadFiles'), <UploadOutlined key="files" />],
    ['zip', t('uploadZip'), <FileZipOutlined key="zip" />],
  ] as const
  return (
    <nav className={styles.tree} aria-label={t('tree')}>
      <Flex gap={2} className={styles.bar}>
        {!isReadOnly &&
          asking.map(([what, label, icon]) => (
            <Tooltip key={what} title={label}>
              <Button size="small" type="text" icon={icon} aria-label={label} onClick={() => onAsk(what)} />
            </Tooltip>
          ))}
        <Tooltip title={t('downloadZip')}>
          <Button
            size="small"
            type="text"
            icon={<CloudDownloadOutlined />}
            aria-label={t('downloadZip')}
            disabled={!hasFiles}
            loading={download.isPending}
            onClick={() => download.mutate()}
          />
        </Tooltip>
      </Flex>
      <div className={styles.scroll}>{children}</div>
    </nav>
  )
}
