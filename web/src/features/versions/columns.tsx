import { CheckCircleOutlined, DownloadOutlined } from '@ant-design/icons'
import { Button, Flex, Tag, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import { ConfirmButton } from '../../ui/ConfirmButton'
import { bytes, count } from '../../ui/format'
import { TimeText } from '../../ui/TimeText'
import { useMay } from '../session/profile'
import type { Deployment } from './address'
import { useVersionChanges } from './useVersionChanges'

export function useColumns(spiderId: string, onCompare: (version: Deployment) => void): TableColumnsType<Deployment> {
  const { t } = useTranslation('versions')
  const { t: c } = useTranslation()
  return [
    {
      title: t('version'),
      render: (_, { version, status, git_commit }) => (
        <Flex gap="small" align="center">
          <strong>v{version}</strong>
          {git_commit && <code>{git_commit.slice(0, 12)}</code>}
          {status === 'active' && (
            <Tag color="success" icon={<CheckCircleOutlined />}>
              {t('active')}
            </Tag>
          )}
        </Flex>
      ),
    },
    {
      title: t('note'),
      render: (_, { deploy_note }) => (
        <div style={{ maxWidth: 240, minWidth: 120, whiteSpace: 'pre-line', overflowWrap: 'anywhere' }}>
          <bdi>{deploy_note ?? '—'}</bdi>
        </div>
      ),
    },
    { title: t('publishedAt'), render: (_, { created_at }) => <TimeText at={created_at} /> },
    {
      title: t('files'),
      align: 'right',
      render: (_, { file_count, archive_size }) => `${count(file_count)} · ${bytes(archive_size)}`,
    },
    {
      title: c('word.actions'),
      render: (_, version) => <Actions spiderId={spiderId} version={version} onCompare={onCompare} />,
    },
  ]
}

interface Props {
  spiderId: string
  version: Deployment
  onCompare: (version: Deployment) => void
}

function Actions({ spiderId, version, onCompare }: Props) {
  const { t } = useTranslation('versions')
  const { t: c } = useTranslation()
  const mayChange = useMay('editor')
  const number = { version: version.version }
  const { activate, restore, remove, download } = useVersionChanges(spiderId, {
    activated: () => t('rolledBack', number),
    restored: () => t('restored', number),
    removed: c('said.deleted'),
  })
  return (
    <Flex gap={4} wrap>
      <Button size="small" onClick={() => onCompare(version)}>
        {t('compare')}
      </Button>
      {mayChange && version.status !== 'active' && (
        <ConfirmButton
          size="small"
          danger={false}
          question={t('rollbackAsk', number)}
          consequence={t('rollbackHint')}
          confirmText={t('rollback')}
          loading={activate.isPending}
          onConfirm={() => activate.mutateAsync(version)}
        >
          {t('rollback')}
        </ConfirmButton>
      )}
      {mayChange && (
        <ConfirmButton
          size="small"
          danger={false}
          question={t('restoreAsk', number)}
          consequence={t('restoreHint')}
          confirmText={t('restore')}
          loading={restore.isPending}
          onConfirm={() => restore.mutateAsync(version)}
        >
          {t('restore')}
        </ConfirmButton>
      )}
      <Button
        size="small"
        icon={<DownloadOutlined />}
        loading={download.isPending}
        onClick={() => download.mutate(version)}
      >
        {c('action.download')}
      </Button>
      {mayChange && version.status !== 'active' && (
        <ConfirmButton
          size="small"
          question={t('deleteAsk', number)}
          consequence={t('deleteHint')}
          loading={remove.isPending}
          onConfirm={() => remove.mutateAsync(version)}
        >
          {c('action.delete')}
        </ConfirmButton>
      )}
    </Flex>
  )
}
