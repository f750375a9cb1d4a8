import type { UseQueryResult } from '@tanstack/react-query'
import { Skeleton } from 'antd'
import type { ReactNode } from 'react'

import { ErrorAlert } from './ErrorAlert'

interface Props<T> {
  query: UseQueryResult<T>
  children: (data: T) => ReactNode
  /** While nothing is there yet. */
  placeholder?: ReactNode
}

/** What was read, or that it is being read, or why it cannot be. What was read before stays while it is read again. */
export function Loaded<T>({ query, children, placeholder }: Props<T>) {
  if (query.data !== undefined) return children(query.data)
  if (query.isError) return <ErrorAlert error={query.error} onRetry={() => void query.refetch()} />
  return placeholder ?? <Skeleton active />
}
