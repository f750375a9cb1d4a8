import { PlusOutlined, SettingOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Alert, Button, Descriptions, Drawer, Flex, Progress, Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { get, type Schemas } from '../../../api/client'
import { Loaded } from '../../../ui/Loaded'
import { onDemand } from '../../../ui/onDemand'
import { TimeText } from '../../../ui/TimeText'
import { NodeName } from '../../nodes/NodeName'
import { useMay } from '../../session/profile'
import { PROJECT } from '../addresses'
import { FolderTree } from './FolderTree'
import { PullButtons } from './PullButtons'
import { isSyncing, lookAgain, shortCommit } from './sync'
import { SyncStatus } from './SyncStatus'
import { WebhookButton } from './WebhookButton'

const RepositoryDialog = onDemand(() => import('./RepositoryDialog').then((found) => found.RepositoryDialog))
const SpiderDialog = onDemand(() => import('./SpiderDialog').then((found) => found.SpiderDialog))

type Project = Schemas['Project']

interface Props {
  id: string
  onClose: () => void
}

/** A project's repository: how far it is, why not, and what is in it. */
export function RepositoryDrawer({ id, onClose }: Props) {
  const { t } = useTranslation('projects')
  const query = useQuery({
    ...get(PROJECT, { params: { path: { id } } }),
    refetchInterval: ({ state: { data } }) => (data ? lookAgain([data]) : false),
  })
  const title = query.data ? t('git.of', { name: query.data.name }) : t('git.repository')
  return (
    <Drawer open title={<bdi>{title}</bdi>} size="min(760px, 100vw)" onClose={onClose}>
      <Loaded query={query}>{(project) => <Repository project={project} />}</Loaded>
    </Drawer>
  )
}

function Repository({ project }: { project: Project }) {
  const { t } = useTranslation('projects')
  const mayChange = useMay('editor')
  const [isEditing, setIsEditing] = useState(false)
  return (
    <Flex vertical gap="middle">
      {mayChange && (
        <Flex gap="small" wrap>
          {project.git_url && <PullButtons project={project} />}
          <Button icon={<SettingOutlined />} onClick={() => setIsEditing(true)}>
            {t(project.git_url ? 'git.settings' : 'git.connect')}
          </Button>
          {project.git_url && <WebhookButton project={project} />}
        </Flex>
      )}
      <Syncing project={project} />
      {project.git_url ? <Facts project={project} /> : <p>{t('git.without')}</p>}
      {project.git_commit && <Contents key={project.git_commit} project={project} mayChange={mayChange} />}
      <RepositoryDialog project={project} isOpen={isEditing} onClose={() => setIsEditing(false)} />
    </Flex>
  )
}

/** How far it is; git's own last words where it could not be fetched. */
function Syncing({ project }: { project: Project }) {
  const { t } = useTranslation('projects')
  const percent = Number(/(\d+)%/.exec(project.sync_progress ?? '')?.[1] ?? 0)
  return (
    <div role="status">
      {isSyncing(project) && (
        <Alert
          type="info"
          showIcon
          title={t(`git.status.${project.status}`)}
          description={
            project.sync_progress && (
              <>
                <span>{project.sync_progress}</span>
                {percent > 0 && <Progress percent={percent} aria-label={t('git.progress')} />}
              </>
            )
          }
        />
      )}
      {!isSyncing(project) && project.sync_error && (
        <Alert
          type={project.status === 'error' ? 'error' : 'warning'}
          showIcon
          title={t(project.status === 'error' ? 'git.failed' : 'git.partly')}
          description={
            <pre style={{ margin: 0, whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>{project.sync_error}</pre>
          }
        />
      )}
    </div>
  )
}

function Facts({ project }: { project: Project }) {
  const { t } = useTranslation('projects')
  const { t: c } = useTranslation()
  const way = project.has_git_token ? 'token' : project.has_git_key ? 'key' : 'none'
  return (
    <Descriptions
      bordered
      size="small"
      column={1}
      items={[
        { key: 'status', label: c('word.status'), children: <SyncStatus status={project.status} /> },
        {
          key: 'url',
          label: t('git.url'),
          children: (
            <Typography.Text copyable style={{ overflowWrap: 'anywhere' }}>
              {project.git_url}
            </Typography.Text>
          ),
        },
        { key: 'branch', label: t('git.branch'), children: <bdi>{project.git_branch ?? t('git.usualBranch')}</bdi> },
        {
          key: 'commit',
          label: t('git.commit'),
          children: project.git_commit ? (
            <>
              <code>{shortCommit(project.git_commit)}</code> <bdi>{project.git_subject}</bdi>
            </>
          ) : (
            t('git.notYet')
          ),
        },
        { key: 'at', label: t('git.fetchedAt'), children: <TimeText at={project.last_sync_at} isRelative /> },
        { key: 'access', label: t('git.access'), children: t(`git.ways.${way}`) },
        ...(project.node_id
          ? [{ key: 'node', label: t('git.node'), children: <NodeName id={project.node_id} /> }]
          : []),
        {
          key: 'webhook',
          label: t('git.webhook'),
          children: t(project.has_webhook_secret ? 'git.hasWebhook' : 'git.hasNoWebhook'),
        },
      ]}
    />
  )
}

/** What is in it, to make spiders of. */
function Contents({ project, mayChange }: { project: Project; mayChange: boolean }) {
  const { t } = useTranslation('projects')
  const [path, setPath] = useState('')
  const [isMaking, setIsMaking] = useState(false)
  return (
    <Flex vertical gap="small" align="stretch">
      <Typography.Title level={2} style={{ fontSize: 16, margin: 0 }}>
        {t('git.contents')}
      </Typography.Title>
      <FolderTree projectId={project.id} path={path} onShow={setPath} />
      {mayChange && (
        <div>
          <Button icon={<PlusOutlined />} onClick={() => setIsMaking(true)}>
            {t(path ? 'git.spiderOfFolder' : 'git.spiderOfAll')}
          </Button>
        </div>
      )}
      <SpiderDialog
        projectId={project.id}
        projectName={project.name}
        folder={path}
        isOpen={isMaking}
        onClose={() => setIsMaking(false)}
      />
    </Flex>
  )
}
