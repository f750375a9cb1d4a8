import { CheckOutlined, ClockCircleOutlined, CloseOutlined, MinusOutlined, SyncOutlined } from '@ant-design/icons'
import { Link } from '@tanstack/react-router'
import { Flex, theme, Tooltip } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../../api/client'
import { time } from '../../../ui/format'

type Task = Schemas['Task']

const SIGNS: Record<Task['status'], ReactNode> = {
  completed: <CheckOutlined />,
  failed: <CloseOutlined />,
  cancelled: <MinusOutlined />,
  running: <SyncOutlined spin />,
  pending: <ClockCircleOutlined />,
}

interface Props {
  tasks: Task[]
  colors: Record<Task['status'], string>
}

/** How each run ended, and the way to it. */
export function RunMarks({ tasks, colors }: Props) {
  const { t } = useTranslation('tasks')
  const { token } = theme.useToken()
  return (
    <Flex gap={4} wrap>
      {tasks.map((task) => {
        const label = `${t(`status.${task.status}`)} · ${time(task.started_at ?? task.created_at)}`
        return (
          <Tooltip key={task.id} title={label}>
            <Link
              to="/tasks/$taskId"
              params={{ taskId: task.id }}
              aria-label={label}
              style={{
                width: 28,
                height: 28,
                display: 'grid',
                placeItems: 'center',
                borderRadius: token.borderRadius,
                border: `1px solid ${colors[task.status]}`,
                color: colors[task.status],
              }}
            >
              {SIGNS[task.status]}
            </Link>
          </Tooltip>
        )
      })}
    </Flex>
  )
}
