import { RedoOutlined } from '@ant-design/icons'
import { Button, Flex, Typography, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, type Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { relative } from '../../../ui/format'
import { TimeText } from '../../../ui/TimeText'
import { useMay } from '../../session/profile'
import { DELIVERIES } from '../addresses'
import { useChannels } from '../channels/useChannels'
import { RULE_TYPES } from '../rules/kinds'
import { SpiderLink } from '../SpiderLink'
import { DeliveryStatus } from './DeliveryStatus'

type Delivery = Schemas['Delivery']

export function useDeliveryColumns(): TableColumnsType<Delivery> {
  const { t } = useTranslation('alerts')
  const { t: c } = useTranslation()
  const isEditor = useMay('editor')
  const channels = new Map(useChannels().map(({ id, name }) => [id, name]))
  const columns: TableColumnsType<Delivery> = [
    { title: c('word.createdAt'), render: (_, { created_at }) => <TimeText at={created_at} /> },
    {
      title: t('deliveries.message'),
      render: (_, { event, spider_id }) => (
        <Flex vertical align="start">
          <EventText event={event} />
          {spider_id && <SpiderLink id={spider_id} />}
        </Flex>
      ),
    },
    {
      title: t('deliveries.receiver'),
      render: (_, { channel_id: id }) =>
        id ? <bdi>{channels.get(id) ?? id.slice(-8)}</bdi> : t('deliveries.spiderWebhook'),
    },
    { title: c('word.status'), render: (_, { status }) => <DeliveryStatus status={status} /> },
    {
      title: t('deliveries.attempts'),
      render: (_, { attempts, next_attempt_at: next }) => (
        <Flex vertical>
          <span>{attempts}</span>
          {next && attempts > 0 && (
            <Typography.Text type="secondary">{t('deliveries.next', { at: relative(next) })}</Typography.Text>
          )}
        </Flex>
      ),
    },
    { title: t('deliveries.outcome'), render: (_, delivery) => <Outcome delivery={delivery} /> },
  ]
  if (!isEditor) return columns
  return [
    ...columns,
    {
      title: c('word.actions'),
      render: (_, delivery) => delivery.status !== 'delivered' && <RetryButton delivery={delivery} />,
    },
  ]
}

/** An event is a kind of alert, or the end of a task that a spider's webhook is told of. */
function EventText({ event }: { event: string }) {
  const { t } = useTranslation('alerts')
  const kind = RULE_TYPES.find((known) => known === event)
  if (kind) return t(`type.${kind}`)
  return event === 'task_completed' ? t('deliveries.taskCompleted') : event
}

function Outcome({ delivery: { last_status, last_error, delivered_at, status } }: { delivery: Delivery }) {
  const answer = last_status ? `HTTP ${last_status}` : null
  if (status === 'delivered') {
    return (
      <Flex vertical>
        <TimeText at={delivered_at} />
        {answer && <Typography.Text type="secondary">{answer}</Typography.Text>}
      </Flex>
    )
  }
  if (!last_error) return '—'
  return (
    <Typography.Text type="danger" style={{ display: 'block', maxWidth: 300, minWidth: 200, whiteSpace: 'normal' }}>
      {answer && `${answer}: `}
      {last_error}
    </Typography.Text>
  )
}

function RetryButton({ delivery: { id, status } }: { delivery: Delivery }) {
  const { t } = useTranslation('alerts')
  const retry = useChange(() => api.POST(`${DELIVERIES}/{id}/retry`, { params: { path: { id } } }), {
    refreshes: [DELIVERIES],
  })
  return (
    <Button size="small" icon={<RedoOutlined />} loading={retry.isPending} onClick={() => retry.mutate(undefined)}>
      {t(status === 'failed' ? 'deliveries.retry' : 'deliveries.sendNow')}
    </Button>
  )
}
