import { useQuery } from '@tanstack/react-query'

import { allNodes } from './addresses'

/** The name of a node, as far as it is known. */
export function NodeName({ id }: { id: string }) {
  const found = useQuery(allNodes()).data?.items.find((node) => node.id === id)
  return <bdi>{found?.name ?? id.slice(-8)}</bdi>
}
