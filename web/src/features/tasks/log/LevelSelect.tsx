import { Select } from 'antd'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../../api/client'

type Level = Schemas['Level']

const LEVELS: Level[] = ['debug', 'info', 'warning', 'error', 'critical']

/** A form fills them in. */
interface Props {
  value?: Level
  onChange?: (level: Level | undefined) => void
}

/** The least level of the lines that are shown. */
export function LevelSelect({ value, onChange }: Props) {
  const { t } = useTranslation('tasks')
  return (
    <Select<Level | 'all'>
      aria-label={t('log.level')}
      style={{ width: 176 }}
      value={value ?? 'all'}
      options={[
        { value: 'all', label: t('log.anyLevel') },
        ...LEVELS.map((level) => ({
          value: level,
          label: level === 'critical' ? 'CRITICAL' : t('log.levelFrom', { level: level.toUpperCase() }),
        })),
      ]}
      onChange={(level) => onChange?.(level === 'all' ? undefined : level)}
    />
  )
}
