import { Card, Typography } from 'antd'
import { useId, type ReactNode } from 'react'

interface Props {
  title: string
  extra?: ReactNode
  children: ReactNode
}

/** One subject of the settings. */
export function Section({ title, extra, children }: Props) {
  const id = useId()
  return (
    <Card
      role="region"
      aria-labelledby={id}
      extra={extra}
      title={
        <Typography.Title level={2} id={id} style={{ fontSize: 16, margin: 0 }}>
          {title}
        </Typography.Title>
      }
    >
      {children}
    </Card>
  )
}
