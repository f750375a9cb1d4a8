import { Flex, Typography } from 'antd'
import type { ReactNode } from 'react'

import { useDocumentTitle } from './useDocumentTitle'

interface Props {
  title: string
  /** Beside the title: a status, say. */
  tags?: ReactNode
  /** One line below it. */
  lead?: ReactNode
  /** Buttons, at the end of the line. */
  actions?: ReactNode
}

export function PageHeader({ title, tags, lead, actions }: Props) {
  useDocumentTitle(title)
  return (
    <Flex justify="space-between" align="start" gap="small" wrap style={{ marginBottom: 16 }}>
      <div style={{ minWidth: 0 }}>
        <Flex align="center" gap="small" wrap>
          <Typography.Title level={1} style={{ fontSize: 22, margin: 0, overflowWrap: 'anywhere' }}>
            <bdi>{title}</bdi>
          </Typography.Title>
          {tags}
        </Flex>
        {lead && <Typography.Text type="secondary">{lead}</Typography.Text>}
      </div>
      {actions && (
        <Flex gap="small" wrap>
          {actions}
        </Flex>
      )}
    </Flex>
  )
}
