import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useReducer, useState, type KeyboardEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { Loaded } from '../../ui/Loaded'
import { onDemand } from '../../ui/onDemand'
import { useLeaving } from '../../ui/useLeaving'
import { useMay } from '../session/profile'
import { filesOf } from './address'
import { TestConsole } from './console/TestConsole'
import { draftsAfter } from './drafts'
import { FilePane } from './FilePane'
import { FileTree } from './FileTree'
import { NoFile } from './NoFile'
import { folderOf } from './tree'
import { TreePane, type Asked } from './TreePane'
import { useSaving } from './useSaving'
import styles from './FilesTab.module.css'

const PathDialog = onDemand(() => import('./PathDialog').then((found) => found.PathDialog))
const UploadDialog = onDemand(() => import('./UploadDialog').then((found) => found.UploadDialog))
const ConflictDialog = onDemand(() => import('./ConflictDialog').then((found) => found.ConflictDialog))

const route = getRouteApi('/inside/spiders/$spiderId/files')

/** A spider's files: a tree, an editor, and a console to try them in. */
export function FilesTab() {
  const { spiderId } = route.useParams()
  return <Files key={spiderId} spiderId={spiderId} />
}

function Files({ spiderId }: { spiderId: string }) {
  const { t } = useTranslation('files')
  const { path } = route.useSearch()
  const navigate = route.useNavigate()
  const isReadOnly = !useMay('editor')
  const query = useQuery(filesOf(spiderId))
  const [drafts, change] = useReducer(draftsAfter, {})
  const [asked, setAsked] = useState<Asked | 'rename' | null>(null)
  const saving = useSaving(spiderId, drafts, change)
  const dirty = Object.keys(drafts)
  useLeaving(dirty.length > 0, t('leaveHint', { paths: dirty.join(', ') }))
  const files = query.data ?? []
  // What was deleted by somebody else while it was changed here is still to be seen.
  const paths = [...new Set([...files.map((file) => file.path), ...dirty])]
  const selected = path ?? firstOf(paths)
  const file = files.find((known) => known.path === selected)
  const draft = selected === undefined ? undefined : drafts[selected]
  const show = (to: string | undefined) => void navigate({ search: { path: to } })
  const folder = selected ? folderOf(selected) : ''

  const saveByKey = (event: KeyboardEvent) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== 's' || event.defaultPrevented) return
    event.preventDefault()
    if (selected) void saving.save(selected)
  }

  return (
    <Loaded query={query}>
      {() => (
        <div className={styles.room} onKeyDown={saveByKey}>
          <div className={isReadOnly ? `${styles.grid} ${styles.readOnly}` : styles.grid}>
            <TreePane spiderId={spiderId} hasFiles={files.length > 0} isReadOnly={isReadOnly} onAsk={setAsked}>
              <FileTree paths={paths} selected={selected} dirty={new Set(dirty)} onSelect={show} />
            </TreePane>
            {file ? (
              <FilePane
                key={file.id}
                file={file}
                draft={draft}
                isReadOnly={isReadOnly}
                isSaving={saving.saving.has(file.path)}
                onEdit={(text, base, baseHash) => change({ type: 'edited', path: file.path, text, base, baseHash })}
                onSave={() => void saving.save(file.path)}
                onRename={() => setAsked('rename')}
                onDeleted={() => {
                  change({ type: 'dropped', path: file.path })
                  show(undefined)
                }}
              />
            ) : (
              <NoFile
                path={selected}
                draft={draft}
                isReadOnly={isReadOnly}
                onSave={() => selected && void saving.save(selected)}
                onAsk={setAsked}
              />
            )}
            {!isReadOnly && <TestConsole spiderId={spiderId} hasFiles={files.length > 0} beforeRun={saving.saveAll} />}
          </div>
          {(asked === 'new' || asked === 'rename') && (
            <PathDialog
              spiderId={spiderId}
              file={asked === 'rename' ? (file ?? null) : null}
              path={asked === 'rename' ? (selected ?? '') : folder && `${folder}/`}
              onDone={(to) => {
                if (asked === 'rename' && file) change({ type: 'moved', path: file.path, to })
                setAsked(null)
                show(to)
              }}
              onClose={() => setAsked(null)}
            />
          )}
          {(asked === 'files' || asked === 'zip') && (
            <UploadDialog
              spiderId={spiderId}
              kind={asked}
              paths={files.map((known) => known.path)}
              folder={folder}
              onDone={() => setAsked(null)}
              onClose={() => setAsked(null)}
            />
          )}
          {saving.conflict && (
            <ConflictDialog
              conflict={saving.conflict}
              onTakeTheirs={() => saving.takeTheirs(saving.conflict!)}
              onKeepMine={() => void saving.keepMine(saving.conflict!)}
              onGoOn={saving.goOn}
            />
          )}
        </div>
      )}
    </Loaded>
  )
}

/** What is opened where the address names nothing: what runs, where there is such a file. */
function firstOf(paths: string[]): string | undefined {
  return paths.find((path) => path === 'main.py') ?? paths[0]
}
