import { useQuery } from '@tanstack/react-query'
import { Button, Card, Flex, Form, Input, Typography } from 'antd'
import { useState } from 'react'
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
  const [form] = Form.useForm<{ at: string }>()
  const [asked, setAsked] = useState<string | null>(null)
  const [now] = useState(() => Date.now())
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
    form.setFieldValue('at', wallOf(at, zone))
    // The same question may have another answer by now.
    if (at === asked) void query.refetch()
    else setAsked(at)
  }
  return (
    <Card size="small" title={<h2 style={HEADING}>{t('explain.title')}</h2>}>
      <Typography.Paragraph type="secondary">{t('explain.lead')}</Typography.Paragraph>
      <Form
        form={form}
        layout="vertical"
        requiredMark={false}
        initialValues={{ at: wallOf(last_run_at ?? now - (now % 60_000), zone) }}
        onFinish={({ at }) => ask(new Date(instantOf(at, zone)).toISOString())}
      >
        <Form.Item
          name="at"
          label={t('explain.at', { zone })}
          rules={[{ required: true, message: t('explain.needed') }]}
        >
          <Input type="datetime-local" step={1} style={{ width: 'min(260px, 100%)' }} />
        </Form.Item>
        <Button htmlType="submit" loading={query.isFetching}>
          {t('explain.ask')}
        </Button>
      </Form>
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
