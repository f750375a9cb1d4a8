import { Link } from '@tanstack/react-router'
import { Flex } from 'antd'

import type { Schemas } from '../../api/client'
import { StatusTag } from '../../ui/StatusTag'
import { TimeText } from '../../ui/TimeText'

/** How a spider's last run went, or goes. */
export function LastTask({ task }: { task: Schemas['Task'] }) {
  return (
    <Link to="/tasks/$taskId" params={{ taskId: task.id }}>
      <Flex gap={4} align="center" component="span" style={{ display: 'inline-flex' }}>
        <StatusTag status={task.status} />
        <TimeText at={task.finished_at ?? task.started_at ?? task.created_at} isRelative />
      </Flex>
    </Link>
  )
}
