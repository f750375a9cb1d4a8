import { CheckCircleOutlined, CloseCircleOutlined } from '@ant-design/icons'
import { Table, Tag, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import type zh from '../../../i18n/zh/settings'
import { count } from '../../../ui/format'
import type { Loop } from './ready'

const KNOWN: (keyof typeof zh.server.loopName)[] = [
  'alert rules',
  'alerts',
  'blobs',
  'clock',
  'code sessions',
  'containers',
  'containers of editors',
  'deliveries',
  'dispatcher',
  'doors',
  'environments',
  'gone',
  'proxies',
  'quotas',
  'retention',
  'scheduler',
  'sinks',
  'watchdog',
]

/** What goes on in the background. */
export function LoopTable({ loops }: { loops: Loop[] }) {
  const { t } = useTranslation('settings')
  const { t: c } = useTranslation()
  const nameOf = (name: string) => {
    const known = KNOWN.find((one) => one === name)
    return known ? t(`server.loopName.${known}`) : name
  }
  const columns: TableColumnsType<Loop> = [
    {
      title: t('server.loop'),
      render: (_, { name }) => nameOf(name),
    },
    {
      title: c('word.status'),
      render: (_, { isWell }) =>
        isWell ? (
          <Tag color="success" icon={<CheckCircleOutlined />}>
            {t('server.ok')}
          </Tag>
        ) : (
          <Tag color="error" icon={<CloseCircleOutlined />}>
            {t('server.failing')}
          </Tag>
        ),
    },
    { title: t('server.runs'), align: 'end', render: (_, { runs }) => count(runs) },
  ]
  return <Table rowKey="name" size="small" columns={columns} dataSource={loops} pagination={false} />
}
