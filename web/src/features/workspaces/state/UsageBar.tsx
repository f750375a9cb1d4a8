import { Flex, Progress } from 'antd'
import { useTranslation } from 'react-i18next'

interface Props {
  label: string
  used: number
  most: number
  shown: (number: number) => string
}

const NEARLY = 90

export function UsageBar({ label, used, most, shown }: Props) {
  const { t } = useTranslation('workspaces')
  const percent = most > 0 ? Math.min(100, Math.round((used / most) * 100)) : 0
  return (
    <div>
      <Flex justify="space-between" gap="small" wrap>
        <span>{label}</span>
        <strong>{t('of', { used: shown(used), most: shown(most) })}</strong>
      </Flex>
      <Progress
        percent={percent}
        status={percent >= NEARLY ? 'exception' : 'normal'}
        showInfo={false}
        aria-label={label}
      />
    </div>
  )
}
