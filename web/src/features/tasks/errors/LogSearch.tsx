import { getRouteApi } from '@tanstack/react-router'
import { Button, Flex, Form, Input, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { LevelSelect } from '../log/LevelSelect'
import { Hits } from './Hits'
import { fromInput, toInput } from './localInput'
import type { LogQuery } from './useHits'

const route = getRouteApi('/inside/spiders/$spiderId/errors')

interface Fields {
  q?: string
  level?: LogQuery['level']
  from?: string
  to?: string
}

/** Lines in the logs of all runs of a spider. */
export function LogSearch({ spiderId }: { spiderId: string }) {
  const { t } = useTranslation('tasks')
  const { q, level, from, to } = route.useSearch()
  const navigate = route.useNavigate()
  const query: LogQuery = { q, level, from, to }
  const key = JSON.stringify(query)
  const isAsked = Object.values(query).some((given) => given !== undefined)
  const search = (fields: Fields) =>
    void navigate({
      search: (before) => ({
        ...before,
        q: fields.q || undefined,
        level: fields.level,
        from: fromInput(fields.from ?? ''),
        to: fromInput(fields.to ?? ''),
      }),
      resetScroll: false,
    })
  return (
    <section aria-labelledby="search-of-logs">
      <Typography.Title level={2} id="search-of-logs" style={{ fontSize: 16, marginTop: 0 }}>
        {t('search.title')}
      </Typography.Title>
      <Form<Fields>
        key={`asked ${key}`}
        layout="inline"
        initialValues={{ q, level, from: toInput(from), to: toInput(to) }}
        onFinish={search}
        style={{ rowGap: 8, marginBottom: 12 }}
      >
        <Form.Item name="q">
          <Input allowClear aria-label={t('search.text')} placeholder={t('search.text')} maxLength={200} />
        </Form.Item>
        <Form.Item name="level">
          <LevelSelect />
        </Form.Item>
        <Form.Item name="from" label={t('search.from')}>
          <Input type="datetime-local" />
        </Form.Item>
        <Form.Item name="to" label={t('search.to')}>
          <Input type="datetime-local" />
        </Form.Item>
        <Flex gap="small">
          <Button type="primary" htmlType="submit">
            {t('search.go')}
          </Button>
          {isAsked && <Button onClick={() => search({})}>{t('search.clear')}</Button>}
        </Flex>
      </Form>
      {isAsked && <Hits key={`found ${key}`} spiderId={spiderId} query={query} />}
    </section>
  )
}
