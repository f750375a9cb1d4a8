import { api } from '../../api/client'
import { useChange } from '../../api/useChange'
import { saveFrom } from '../../ui/saveFrom'
import { CHANGED, VERSIONS, versionPath, type Deployment } from './address'

const refreshes = CHANGED

interface Said {
  activated: (version: Deployment) => string
  restored: (version: Deployment) => string
  removed: string
}

/** What can be done with a version. */
export function useVersionChanges(spiderId: string, said: Said) {
  const one = `${VERSIONS}/{deployment_id}` as const
  const of = ({ id }: Deployment) => ({ params: versionPath(spiderId, id) })
  const activate = useChange((version: Deployment) => api.POST(`${one}/rollback`, of(version)), {
    refreshes,
    done: (_, version) => said.activated(version),
  })
  const restore = useChange((version: Deployment) => api.POST(`${one}/restore`, of(version)), {
    refreshes,
    done: (_, version) => said.restored(version),
  })
  const remove = useChange((version: Deployment) => api.DELETE(one, of(version)), { refreshes, done: said.removed })
  const download = useChange(({ id }: Deployment) =>
    saveFrom(`${one.replace('{id}', spiderId).replace('{deployment_id}', id)}/archive`),
  )
  return { activate, restore, remove, download }
}
