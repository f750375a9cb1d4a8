import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'

import { projectOf } from './addresses'

/** To the spiders of a project. */
export function ProjectLink({ id }: { id: string }) {
  const project = useQuery(projectOf(id)).data
  return (
    <Link to="/spiders" search={{ project_id: id }}>
      <bdi>{project?.name ?? '…'}</bdi>
    </Link>
  )
}
