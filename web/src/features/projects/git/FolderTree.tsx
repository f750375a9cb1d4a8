import { FileOutlined, FolderOutlined, LinkOutlined } from '@ant-design/icons'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Button, Flex, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { get, type Schemas } from '../../../api/client'
import { bytes } from '../../../ui/format'
import { Loaded } from '../../../ui/Loaded'
import { PathBar } from '../../../ui/PathBar'
import { PROJECT } from '../addresses'
import styles from './FolderTree.module.css'

interface Props {
  projectId: string
  /** The folder that is shown; empty: all of it. */
  path: string
  onShow: (path: string) => void
}

/** A folder of a project's repository, as the commit that was fetched last has it. */
export function FolderTree({ projectId, path, onShow }: Props) {
  const { t } = useTranslation('projects')
  const query = useQuery({
    ...get(`${PROJECT}/tree`, { params: { path: { id: projectId }, query: { path } } }),
    placeholderData: keepPreviousData,
  })
  return (
    <Flex vertical gap="small">
      <PathBar label={t('git.folders')} name={t('git.root')} path={path} onShow={onShow} />
      <Loaded query={query}>
        {({ entries, truncated }) => (
          <>
            <ul className={styles.entries}>
              {entries.map((entry) => (
                <li key={entry.path}>
                  <Entry entry={entry} onShow={onShow} />
                </li>
              ))}
              {entries.length === 0 && <li>{t('git.nothing')}</li>}
            </ul>
            {truncated && <Typography.Text type="secondary">{t('git.more')}</Typography.Text>}
          </>
        )}
      </Loaded>
    </Flex>
  )
}

function Entry({
  entry: { name, path, kind, size },
  onShow,
}: {
  entry: Schemas['TreeEntry']
  onShow: Props['onShow']
}) {
  const { t } = useTranslation('projects')
  if (kind === 'folder') {
    return (
      <Button type="link" size="small" icon={<FolderOutlined />} style={{ padding: 0 }} onClick={() => onShow(path)}>
        <bdi>{name}</bdi>
      </Button>
    )
  }
  const isFile = kind === 'file' || kind === 'executable'
  return (
    <Flex gap="small" align="baseline">
      {isFile ? <FileOutlined /> : <LinkOutlined />}
      <bdi>{name}</bdi>
      <Typography.Text type="secondary">{isFile ? bytes(size) : t('git.notTaken')}</Typography.Text>
    </Flex>
  )
}
