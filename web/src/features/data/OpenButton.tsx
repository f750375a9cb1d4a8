import { Button } from 'antd'

import { TimeText } from '../../ui/TimeText'

interface Props {
  at: string
  /** What is opened. */
  title: string
  onOpen: () => void
}

/** The time of a row, which opens the whole of it. */
export function OpenButton({ at, title, onOpen }: Props) {
  return (
    <Button type="link" size="small" title={title} style={{ paddingInlineStart: 0 }} onClick={onOpen}>
      <TimeText at={at} />
    </Button>
  )
}
