import { Flex, Tag, Typography, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import { bytes, count } from '../../ui/format'
import { TimeText } from '../../ui/TimeText'
import type { Node } from './addresses'
import { NodeActions, type ShowToken } from './NodeActions'
import { NodeStatus } from './NodeStatus'

const MIB = 1024 * 1024
/** Clocks that are further apart make times of runs hard to read. */
const SKEWED_MS = 2000

interface Options {
  /** Whether what changes them is shown. */
  mayChange: boolean
  onEdit: (node: Node) => void
  onToken: ShowToken
}

export function useColumns({ mayChange, onEdit, onToken }: Options): TableColumnsType<Node> {
  const { t } = useTranslation('nodes')
  const { t: c } = useTranslation()
  const columns: TableColumnsType<Node> = [
    {
      title: c('word.name'),
      render: (_, { name, hostname, address }) => (
        <Flex vertical>
          <strong>{name}</strong>
          <Typography.Text type="secondary">{hostname || address}</Typography.Text>
        </Flex>
      ),
    },
    { title: c('word.status'), render: (_, node) => <NodeStatus node={node} /> },
    { title: t('slots'), align: 'right', render: (_, node) => <Slots node={node} /> },
    { title: t('load'), render: (_, node) => <Load node={node} /> },
    { title: t('labels'), render: (_, node) => <Labels node={node} /> },
    { title: t('versions'), render: (_, node) => <Versions node={node} /> },
    { title: t('heard'), render: (_, node) => <Heard node={node} /> },
  ]
  if (!mayChange) return columns
  return [
    ...columns,
    {
      title: c('word.actions'),
      render: (_, node) => <NodeActions node={node} onEdit={() => onEdit(node)} onToken={onToken} />,
    },
  ]
}

function Slots({ node: { slots, report } }: { node: Node }) {
  const { t } = useTranslation('nodes')
  const most = slots ?? report?.slots
  return <>{most == null ? '—' : t('slotsOf', { used: count(report?.running_tasks ?? 0), most: count(most) })}</>
}

function Load({ node: { report } }: { node: Node }) {
  const { t } = useTranslation('nodes')
  if (!report) return '—'
  const { cpus, cpu_percent, memory_used_mb, memory_total_mb, disk_free_mb } = report.load
  return (
    <Flex vertical>
      <span>{t('cpu', { percent: Math.round(cpu_percent), count: cpus })}</span>
      <span>{t('memory', { used: bytes(memory_used_mb * MIB), total: bytes(memory_total_mb * MIB) })}</span>
      <Typography.Text type={report.is_disk_full ? 'danger' : undefined}>
        {t('disk', { free: bytes(disk_free_mb * MIB) })}
      </Typography.Text>
    </Flex>
  )
}

/** Those that the server keeps, and the agent's own. */
function Labels({ node: { labels, report } }: { node: Node }) {
  const all = [...new Set([...labels, ...(report?.labels ?? [])])]
  if (all.length === 0) return '—'
  return (
    <Flex gap={4} wrap style={{ maxWidth: 240 }}>
      {all.map((label) => (
        <Tag key={label}>{label}</Tag>
      ))}
    </Flex>
  )
}

function Versions({ node: { report } }: { node: Node }) {
  const versions = Object.entries(report?.versions ?? {})
  if (versions.length === 0) return '—'
  return (
    <Flex vertical style={{ maxWidth: 240 }}>
      {versions.map(([name, version]) => (
        <span key={name}>
          {name} {version}
        </span>
      ))}
    </Flex>
  )
}

function Heard({ node: { last_heartbeat, clock_skew_ms } }: { node: Node }) {
  const { t } = useTranslation('nodes')
  const isSkewed = Math.abs(clock_skew_ms ?? 0) >= SKEWED_MS
  return (
    <Flex vertical>
      {last_heartbeat ? <TimeText at={last_heartbeat} isRelative /> : t('never')}
      {isSkewed && (
        <Typography.Text type="warning">{t('skewed', { seconds: Math.round(clock_skew_ms! / 1000) })}</Typography.Text>
      )}
    </Flex>
  )
}
