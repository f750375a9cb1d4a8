import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { Alert, Skeleton } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { bytes } from '../../ui/format'
import { Loaded } from '../../ui/Loaded'
import { onDemand } from '../../ui/onDemand'
import { PageHeader } from '../../ui/PageHeader'
import { Views } from '../../ui/Views'
import { PurgeButton, StopButton } from './actions'
import { workspaceOf, type Sandbox } from './addresses'
import { isFull, MIB } from './usage'
import { WorkspaceStatus } from './WorkspaceStatus'

const placeholder = <Skeleton active />
const FilesView = onDemand(() => import('./files/FilesView').then((found) => found.FilesView), placeholder)
const TerminalView = onDemand(() => import('./TerminalView').then((found) => found.TerminalView), placeholder)
const CommandView = onDemand(() => import('./command/CommandView').then((found) => found.CommandView), placeholder)
const StateView = onDemand(() => import('./state/StateView').then((found) => found.StateView), placeholder)

const route = getRouteApi('/inside/workspaces/$name')

const VIEWS = ['files', 'terminal', 'command', 'state'] as const
const LOOK_EVERY_MS = 15_000

/** A place for files and programs. */
export function WorkspacePage() {
  const { name } = route.useParams()
  const query = useQuery({ ...workspaceOf(name), refetchInterval: LOOK_EVERY_MS })
  return <Loaded query={query}>{(workspace) => <OneWorkspace key={name} workspace={workspace} />}</Loaded>
}

function OneWorkspace({ workspace }: { workspace: Sandbox }) {
  const { t } = useTranslation('workspaces')
  const { t: c } = useTranslation()
  const { view = 'files', path = '', page = 1 } = route.useSearch()
  const navigate = route.useNavigate()
  // What goes on there goes on while something else is looked at.
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set([view]))
  if (!opened.has(view)) setOpened(new Set([...opened, view]))
  const { name } = workspace
  return (
    <>
      <PageHeader
        title={name}
        tags={<WorkspaceStatus status={workspace.status} />}
        lead={<Link to="/workspaces">{t('all')}</Link>}
        actions={
          <>
            <StopButton workspace={workspace} />
            {/* What runs in it is gone: nobody is asked about it. */}
            <PurgeButton workspace={workspace} onGone={() => navigate({ to: '/workspaces', ignoreBlocker: true })} />
          </>
        }
      />
      {isFull(workspace) && (
        <Alert type="warning" showIcon title={t('full', { most: bytes(workspace.limits.disk_mb * MIB) })} />
      )}
      <Views
        label={c('word.view')}
        views={VIEWS.map((value) => ({ value, label: t(`view.${value}`) }))}
        shown={view}
        onShow={(next) => void navigate({ search: { view: next }, resetScroll: false })}
      />
      {view === 'files' && (
        <FilesView
          name={name}
          path={path}
          page={page}
          onShow={(to, page) => void navigate({ search: { view, path: to || undefined, page } })}
        />
      )}
      {opened.has('terminal') && (
        <div hidden={view !== 'terminal'}>
          <TerminalView name={name} />
        </div>
      )}
      {opened.has('command') && (
        <div hidden={view !== 'command'}>
          <CommandView workspace={workspace} />
        </div>
      )}
      {view === 'state' && <StateView workspace={workspace} />}
    </>
  )
}
