import { getRouteApi } from '@tanstack/react-router'
import { Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { Hits } from './Hits'
import { SearchForm } from './SearchForm'
import type { LogQuery } from './useHits'

const route = getRouteApi('/inside/spiders/$spiderId/errors')

/** Lines in the logs of all runs of a spider. */
export function LogSearch({ spiderId }: { spiderId: string }) {
  const { t } = useTranslation('tasks')
  const { q, level, from, to } = route.useSearch()
  const navigate = route.useNavigate()
  const query: LogQuery = { q, level, from, to }
  const key = JSON.stringify(query)
  const isAsked = Object.values(query).some((given) => given !== undefined)
  const search = ({ q, level, from, to }: LogQuery) =>
    void navigate({ search: (before) => ({ ...before, q, level, from, to }), resetScroll: false })
  return (
    <section aria-labelledby="search-of-logs">
      <Typography.Title level={2} id="search-of-logs" style={{ fontSize: 16, marginTop: 0 }}>
        {t('search.title')}
      </Typography.Title>
      <SearchForm key={`asked ${key}`} asked={query} onSearch={search} isAsked={isAsked} />
      {isAsked && <Hits key={`found ${key}`} spiderId={spiderId} query={query} />}
    </section>
  )
}
