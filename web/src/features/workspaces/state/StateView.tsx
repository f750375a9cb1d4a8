import { Descriptions, Flex } from 'antd'
import { useTranslation } from 'react-i18next'

import { bytes, count } from '../../../ui/format'
import { TimeText } from '../../../ui/TimeText'
import { Section } from '../../settings/Section'
import type { Sandbox } from '../addresses'
import { MIB } from '../usage'
import { UsageBar } from './UsageBar'

/** How much the workspace uses of what it may. */
export function StateView({ workspace: { mode, usage, limits, last_used_at, created_at } }: { workspace: Sandbox }) {
  const { t } = useTranslation('workspaces')
  const { t: c } = useTranslation()
  return (
    <Flex vertical gap="middle">
      <Section title={t('usage')}>
        <Flex vertical gap="middle" style={{ maxWidth: 560 }}>
          <UsageBar label={t('disk')} used={usage.bytes} most={limits.disk_mb * MIB} shown={bytes} />
          <UsageBar label={t('memory')} used={usage.memory_bytes ?? 0} most={limits.memory_mb * MIB} shown={bytes} />
          <UsageBar label={t('commands')} used={usage.commands} most={limits.commands} shown={count} />
          <UsageBar label={t('terminals')} used={usage.terminals} most={limits.terminals} shown={count} />
        </Flex>
      </Section>
      <Section title={t('facts')}>
        <Descriptions
          size="small"
          column={{ xs: 1, md: 2 }}
          items={[
            { key: 'mode', label: t('mode'), children: t(`modes.${mode}`) },
            { key: 'files', label: t('fileCount'), children: count(usage.files) },
            { key: 'measured', label: t('measured'), children: <TimeText at={usage.measured_at} isRelative /> },
            { key: 'used', label: t('lastUsed'), children: <TimeText at={last_used_at} isRelative /> },
            { key: 'created', label: c('word.createdAt'), children: <TimeText at={created_at} /> },
            { key: 'cpus', label: t('limit.cpus'), children: limits.cpus },
            { key: 'processes', label: t('limit.processes'), children: count(limits.processes) },
            { key: 'file', label: t('limit.file'), children: bytes(limits.file_mb * MIB) },
            { key: 'timeout', label: t('limit.timeout'), children: t('seconds', { count: limits.timeout_seconds }) },
            { key: 'idle', label: t('limit.idle'), children: t('minutes', { count: limits.idle_minutes }) },
          ]}
        />
      </Section>
    </Flex>
  )
}
