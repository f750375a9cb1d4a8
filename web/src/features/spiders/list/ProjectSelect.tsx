import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Select, type SelectProps } from 'antd'
import { useDeferredValue, useState } from 'react'

import { get } from '../../../api/client'
import { projectOf } from '../addresses'

const MOST = 50

/** One of the projects, found by its name. */
export function ProjectSelect({ value, ...select }: SelectProps<string>) {
  const [typed, setTyped] = useState('')
  const keyword = useDeferredValue(typed.trim())
  const found = useQuery({
    ...get('/platform/api/crawlhub/projects', {
      params: { query: { page_size: MOST, ...(keyword ? { keyword } : {}) } },
    }),
    staleTime: 30_000,
    placeholderData: keepPreviousData,
  })
  const chosen = useQuery({ ...projectOf(value ?? ''), enabled: !!value }).data
  const projects = found.data?.items ?? []
  const listed = chosen && !typed && !projects.some(({ id }) => id === chosen.id) ? [chosen, ...projects] : projects
  return (
    <Select<string>
      {...select}
      value={value}
      loading={found.isFetching}
      showSearch={{ filterOption: false, searchValue: typed, onSearch: setTyped }}
      options={listed.map(({ id, name }) => ({ value: id, label: <bdi>{name}</bdi> }))}
      labelRender={({ value: id, label }) => label ?? <bdi>{chosen?.id === id ? chosen.name : id}</bdi>}
    />
  )
}
