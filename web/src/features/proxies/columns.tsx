import { Flex, Tag, Typography, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import { TimeText } from '../../ui/TimeText'
import { useMay } from '../session/profile'
import { addressOf, type Proxy } from './proxy'
import { ProxyActions } from './ProxyActions'
import { ProxyStatus } from './ProxyStatus'

export function useProxyColumns(onEdit: (proxy: Proxy) => void): TableColumnsType<Proxy> {
  const { t } = useTranslation('proxies')
  const { t: c } = useTranslation()
  const isEditor = useMay('editor')
  const columns: TableColumnsType<Proxy> = [
    {
      title: t('address'),
      render: (_, proxy) => (
        <Flex gap="small" align="center" wrap style={{ maxWidth: 230, overflowWrap: 'anywhere' }}>
          <bdi>{addressOf(proxy)}</bdi>
          {proxy.has_password && <Tag>{t('hasPassword')}</Tag>}
        </Flex>
      ),
    },
    { title: c('word.status'), render: (_, proxy) => <StatusCell proxy={proxy} /> },
    {
      title: t('successRate'),
      align: 'end',
      render: (_, { success_rate }) => `${Math.round(success_rate * 100)}%`,
    },
    {
      title: t('latency'),
      align: 'end',
      render: (_, { latency_ms }) => (typeof latency_ms === 'number' ? `${latency_ms} ms` : '—'),
    },
    {
      title: t('lastCheck'),
      render: (_, { last_check_at, last_error }) => (
        <Flex vertical style={{ maxWidth: 180, overflowWrap: 'anywhere' }}>
          {last_check_at ? <TimeText at={last_check_at} isRelative /> : c('time.never')}
          {last_error && <Typography.Text type="danger">{last_error}</Typography.Text>}
        </Flex>
      ),
    },
    {
      title: t('lastUsed'),
      render: (_, { last_used_at: at }) => (at ? <TimeText at={at} isRelative /> : c('time.never')),
    },
  ]
  if (!isEditor) return columns
  return [
    ...columns,
    { title: c('word.actions'), render: (_, proxy) => <ProxyActions proxy={proxy} onEdit={() => onEdit(proxy)} /> },
  ]
}

function StatusCell({ proxy: { status, cooldown_until, fail_count } }: { proxy: Proxy }) {
  const { t } = useTranslation('proxies')
  return (
    <Flex vertical align="start">
      <ProxyStatus status={status} />
      {status === 'cooldown' && cooldown_until && (
        <Typography.Text type="secondary">
          {t('until')} <TimeText at={cooldown_until} isRelative />
        </Typography.Text>
      )}
      {fail_count > 0 && <Typography.Text type="secondary">{t('failures', { count: fail_count })}</Typography.Text>}
    </Flex>
  )
}
