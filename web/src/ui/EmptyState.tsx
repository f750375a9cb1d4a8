import { Empty, Flex, Typography } from 'antd'
import type { ReactNode } from 'react'

interface Props {
  title: string
  /** What to do next. */
  hint?: ReactNode
  action?: ReactNode
}

/** Where there is nothing yet: says so, and how that changes. */
export function EmptyState({ title, hint, action }: Props) {
  return (
    <Empty
      image={Empty.PRESENTED_IMAGE_SIMPLE}
      style={{ padding: '32px 0' }}
      description={
        <Flex vertical gap={4}>
          <Typography.Text strong>{title}</Typography.Text>
          {hint && <Typography.Text type="secondary">{hint}</Typography.Text>}
        </Flex>
      }
    >
      {action}
    </Empty>
  )
}
