import { Link } from '@tanstack/react-router'

import { localTimes } from '../../../ui/localTimes'
import { taskPieces } from './taskPieces'

/** What the server says of a planned time: its times as they are in a zone, its tasks as links. */
export function Sentence({ text, zone }: { text: string; zone: string }) {
  return taskPieces(localTimes(text, zone)).map(({ text, isTask }, index) =>
    isTask ? (
      <Link key={index} to="/tasks/$taskId" params={{ taskId: text }}>
        {text.slice(-8)}
      </Link>
    ) : (
      text
    ),
  )
}
