import { useQuery } from '@tanstack/react-query'
import { Select, type SelectProps } from 'antd'

import { get } from '../../../api/client'

/** One of the projects. */
export function ProjectSelect(props: SelectProps<string>) {
  const projects = useQuery({
    ...get('/platform/api/crawlhub/projects', { params: { query: { page_size: 100 } } }),
    staleTime: 30_000,
  })
  return (
    <Select<string>
      {...props}
      loading={projects.isPending}
      showSearch={{ optionFilterProp: 'title' }}
      options={projects.data?.items.map(({ id, name }) => ({ value: id, label: <bdi>{name}</bdi>, title: name }))}
    />
  )
}
