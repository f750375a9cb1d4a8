import { CheckCircleOutlined, MinusCircleOutlined, PauseCircleOutlined, WarningOutlined } from '@ant-design/icons'
import { Flex, Tag, Typography } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import type { Node } from './addresses'

const LOOKS: Record<Node['status'], { color: string; icon: ReactNode }> = {
  online: { color: 'success', icon: <CheckCircleOutlined /> },
  offline: { color: 'default', icon: <MinusCircleOutlined /> },
  draining: { color: 'warning', icon: <PauseCircleOutlined /> },
  incompatible: { color: 'error', icon: <WarningOutlined /> },
}

/** How a node is, and why it is given no tasks. */
export function NodeStatus({ node: { status, problem } }: { node: Node }) {
  const { t } = useTranslation('nodes')
  return (
    <Flex vertical gap={2} align="start" style={{ maxWidth: 280 }}>
      <Tag {...LOOKS[status]}>{t(`status.${status}`)}</Tag>
      {problem && (
        <Typography.Text type="danger" style={{ whiteSpace: 'normal' }}>
          {problem}
        </Typography.Text>
      )}
    </Flex>
  )
}
