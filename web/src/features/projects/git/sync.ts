import type { Schemas } from '../../../api/client'

type Project = Schemas['Project']

const SOON_MS = 1500
const LATER_MS = 30_000

export const isSyncing = ({ status }: Pick<Project, 'status'>) => status === 'pending' || status === 'syncing'

/** When it is looked at again how far they are; a push may fetch any of them that has a repository. */
export function lookAgain(projects: readonly Pick<Project, 'status' | 'git_url'>[]): number | false {
  if (projects.some(isSyncing)) return SOON_MS
  return projects.some(({ git_url }) => git_url) ? LATER_MS : false
}

/** As people write a commit. */
export const shortCommit = (commit: string) => commit.slice(0, 12)
