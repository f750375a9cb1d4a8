import { CheckCircleOutlined, MinusCircleOutlined } from '@ant-design/icons'
import { Tag } from 'antd'
import { useTranslation } from 'react-i18next'

import type { Sandbox } from './addresses'

const LOOKS = {
  running: { color: 'success', icon: <CheckCircleOutlined /> },
  stopped: { color: 'default', icon: <MinusCircleOutlined /> },
}

export function WorkspaceStatus({ status }: Pick<Sandbox, 'status'>) {
  const { t } = useTranslation('workspaces')
  return <Tag {...LOOKS[status]}>{t(`status.${status}`)}</Tag>
}
