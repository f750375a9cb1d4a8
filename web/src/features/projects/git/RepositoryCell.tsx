import { Button, Flex, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../../api/client'
import { shortCommit } from './sync'
import { SyncStatus } from './SyncStatus'

interface Props {
  project: Schemas['Project']
  onShow: (id: string) => void
}

/** A project's repository in a list; nothing where it has none. */
export function RepositoryCell({ project, onShow }: Props) {
  const { t } = useTranslation('projects')
  const { id, name, git_url, git_branch, git_commit, status, sync_progress } = project
  if (!git_url) return '—'
  return (
    <Flex vertical align="start" gap={2} style={{ maxWidth: 320 }}>
      <Flex gap="small" align="center">
        <SyncStatus status={status} />
        <Button
          type="link"
          size="small"
          style={{ padding: 0 }}
          aria-label={t('git.showLabel', { name })}
          onClick={() => onShow(id)}
        >
          {git_branch ? <bdi>{git_branch}</bdi> : t('git.usualBranch')}
        </Button>
        {git_commit && <code>{shortCommit(git_commit)}</code>}
      </Flex>
      {sync_progress && (
        <Typography.Text type="secondary" ellipsis={{ tooltip: true }}>
          {sync_progress}
        </Typography.Text>
      )}
    </Flex>
  )
}
