import { CheckCircleOutlined, CloseCircleOutlined, StopOutlined } from '@ant-design/icons'
import { Tag } from 'antd'
import { useTranslation } from 'react-i18next'

/** What became of a call, by its HTTP status. */
export function OutcomeTag({ status }: { status: number }) {
  const { t } = useTranslation('accounts')
  const [word, color, icon] =
    status < 400
      ? (['done', 'success', <CheckCircleOutlined key="icon" />] as const)
      : status < 500
        ? (['refused', 'warning', <StopOutlined key="icon" />] as const)
        : (['failed', 'error', <CloseCircleOutlined key="icon" />] as const)
  return (
    <Tag color={color} icon={icon}>
      {t(`audit.${word}`)} {status}
    </Tag>
  )
}
