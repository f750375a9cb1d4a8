import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Select, type SelectProps } from 'antd'
import { useEffect, useState } from 'react'

import { get } from '../api/client'

const PAUSE_MS = 300

type Props = Pick<
  SelectProps<string>,
  'id' | 'value' | 'onChange' | 'placeholder' | 'style' | 'disabled' | 'aria-label'
>

/** One of the spiders, found by its name. */
export function SpiderSelect({ value, ...select }: Props) {
  const [typed, setTyped] = useState('')
  const [keyword, setKeyword] = useState('')
  useEffect(() => {
    const timer = setTimeout(() => setKeyword(typed.trim()), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [typed])
  const query = { page_size: 20, ...(keyword ? { keyword } : {}) }
  const found = useQuery({
    ...get('/platform/api/crawlhub/spiders', { params: { query } }),
    placeholderData: keepPreviousData,
  })
  const chosen = useQuery({
    ...get('/platform/api/crawlhub/spiders/{id}', { params: { path: { id: value ?? '' } } }),
    enabled: !!value,
  }).data
  const spiders = found.data?.items ?? []
  const listed = chosen && !typed && !spiders.some(({ id }) => id === chosen.id) ? [chosen, ...spiders] : spiders
  return (
    <Select<string>
      allowClear
      {...select}
      value={value}
      loading={found.isFetching}
      showSearch={{ filterOption: false, searchValue: typed, onSearch: setTyped }}
      options={listed.map(({ id, name }) => ({ value: id, label: <bdi>{name}</bdi> }))}
      labelRender={({ value: id, label }) => label ?? <bdi>{chosen?.id === id ? chosen.name : id}</bdi>}
    />
  )
}
