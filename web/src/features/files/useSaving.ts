import { useQueryClient } from '@tanstack/react-query'
import { App } from 'antd'
import { useState } from 'react'

import { api, dataOf, changed, type Schemas } from '../../api/client'
import { ApiError } from '../../api/errors'
import { errorText } from '../../ui/errorText'
import { contentOf, FILES, filesOf } from './address'
import type { Draft, DraftChange, Drafts } from './drafts'

/** A draft whose file is not what the draft was made from. */
export interface Conflict {
  path: string
  mine: string
  /** Null where the file is gone. */
  theirs: Schemas['FileContent'] | null
}

/** Saves drafts. Where somebody else was quicker nothing is overwritten: `conflict` says so. */
export function useSaving(spiderId: string, drafts: Drafts, change: (change: DraftChange) => void) {
  const client = useQueryClient()
  const { message } = App.useApp()
  const [conflict, setConflict] = useState<Conflict | null>(null)
  const [saving, setSaving] = useState<ReadonlySet<string>>(new Set())

  const put = async (path: string, { text }: Draft, baseHash: string): Promise<Schemas['SpiderFile']> => {
    const files = await client.query({ ...filesOf(spiderId), staleTime: 'static' })
    const file = files.find((known) => known.path === path)
    if (!file) throw new ApiError(404, 'file_not_found', path)
    const params = { path: { id: spiderId, file_id: file.id } }
    return dataOf(api.PUT(`${FILES}/{file_id}`, { params, body: { content: text, base_hash: baseHash } }))
  }

  const make = (path: string, { text }: Draft): Promise<Schemas['SpiderFile']> =>
    dataOf(api.POST(`${FILES}/new`, { params: { path: { id: spiderId } }, body: { path, content: text } }))

  const findConflict = async (path: string, mine: string, isGone: boolean) => {
    const files = await client.query({ ...filesOf(spiderId), staleTime: 0 })
    const file = isGone ? undefined : files.find((known) => known.path === path)
    const theirs = file ? await client.query({ ...contentOf(spiderId, file.id), staleTime: 0 }) : null
    setConflict({ path, mine, theirs })
  }

  const attempt = async (path: string, draft: Draft, write: () => Promise<Schemas['SpiderFile']>) => {
    setSaving((others) => new Set(others).add(path))
    try {
      const { id, hash, size, updated_at } = await write()
      // Before the draft goes: the editor shows one or the other.
      client.setQueryData(
        contentOf(spiderId, id).queryKey,
        (old) => old && { ...old, content: draft.text, hash, size, updated_at },
      )
      change({ type: 'saved', path, text: draft.text, hash })
      await changed(client, FILES)
      return true
    } catch (error) {
      const isGone = error instanceof ApiError && error.status === 404
      const isChanged = error instanceof ApiError && error.code === 'file_changed'
      if (isGone || isChanged) {
        await findConflict(path, draft.text, isGone).catch((also: unknown) => message.error(errorText(also), 6))
      } else {
        message.error(errorText(error), 6)
      }
      return false
    } finally {
      setSaving((all) => new Set([...all].filter((other) => other !== path)))
    }
  }

  /** False where it could not be saved, which is told. */
  const save = async (path: string): Promise<boolean> => {
    const draft = drafts[path]
    if (!draft) return true
    return !saving.has(path) && attempt(path, draft, () => put(path, draft, draft.baseHash))
  }

  const saveAll = async (): Promise<boolean> => {
    for (const path of Object.keys(drafts)) if (!(await save(path))) return false
    return true
  }

  const keepMine = async ({ path, theirs }: Conflict) => {
    setConflict(null)
    const draft = drafts[path]
    if (draft) await attempt(path, draft, () => (theirs ? put(path, draft, theirs.hash) : make(path, draft)))
  }

  const takeTheirs = ({ path }: Conflict) => {
    change({ type: 'dropped', path })
    setConflict(null)
  }

  return { save, saveAll, saving, conflict, keepMine, takeTheirs, goOn: () => setConflict(null) }
}
