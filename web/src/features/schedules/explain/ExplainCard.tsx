import { useQuery } from '@tanstack/react-query'
import { Button, Card, Flex, Input, Typography } from 'antd'
import { useId, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { api } from '../../../api/client'
import { Loaded } from '../../../ui/Loaded'
import { SCHEDULE, type Schedule } from '../addresses'
import { HEADING } from '../heading'
import { instantOf, wallOf } from '../time/zone'
import { Answer } from './Answer'

const EXPLAIN = `${SCHEDULE}/explain` as const

/** Why a schedule did, or did not, start its spider at a time. */
export function ExplainCard({ schedule: { id, timezone: zone, last_run_at } }: { schedule: Schedule }) {
  const { t, i18n } = useTranslation('schedules')
  const [asked, setAsked] = useState<string | null>(null)
  const [given, setGiven] = useState(() => wallOf(last_run_at ?? Math.floor(Date.now() / 60_000) * 60_000, zone))
  const field = useId()
  const query = useQuery({
    // The answer's sentence comes in a language.
    queryKey: [EXPLAIN, id, asked, i18n.language],
    queryFn: async ({ signal }) => {
      const params = { path: { id }, query: { at: asked! } }
      const { data } = await api.GET(EXPLAIN, { params, signal })
      return { said: data!.msg, ...data!.data! }
    },
    enabled: asked !== null,
  })
  const ask = (at: string) => {
    setGiven(wallOf(at, zone))
    // The same question may have another answer by now.
    if (at === asked) void query.refetch()
    else setAsked(at)
  }
  return (
    <Card size="small" title={<h2 style={HEADING}>{t('explain.title')}</h2>}>
      <Typography.Paragraph type="secondary">{t('explain.lead')}</Typography.Paragraph>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          ask(new Date(instantOf(given, zone)).toISOString())
        }}
      >
        <Flex vertical gap="small" align="start">
          <label htmlFor={field}>{t('explain.at', { zone })}</label>
          <Input
            id={field}
            required
            type="datetime-local"
            step={1}
            value={given}
            onChange={({ target }) => setGiven(target.value)}
            style={{ width: 'min(260px, 100%)' }}
          />
          <Button htmlType="submit" loading={query.isFetching}>
            {t('explain.ask')}
          </Button>
        </Flex>
      </form>
      <div aria-live="polite">
        {asked !== null && (
          <Flex vertical style={{ marginTop: 12 }}>
            <Loaded query={query}>{(answer) => <Answer answer={answer} zone={zone} onAsk={ask} />}</Loaded>
          </Flex>
        )}
      </div>
    </Card>
  )
}
