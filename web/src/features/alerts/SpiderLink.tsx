import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'

import { get } from '../../api/client'

/** To a spider that only its id is known of; one that is gone has no page. */
export function SpiderLink({ id }: { id: string }) {
  const spider = useQuery({
    ...get('/platform/api/crawlhub/spiders/{id}', { params: { path: { id } } }),
    staleTime: 60_000,
  })
  if (spider.isError) return <span>{id.slice(-8)}</span>
  return (
    <Link to="/spiders/$spiderId" params={{ spiderId: id }}>
      <bdi>{spider.data?.name ?? id.slice(-8)}</bdi>
    </Link>
  )
}
