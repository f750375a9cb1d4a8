import { Tooltip } from 'antd'
import { useTranslation } from 'react-i18next'

import { relative, time } from './format'

interface Props {
  at: string | null | undefined
  /** "3 minutes ago", with the time itself on demand. */
  isRelative?: boolean
  timeZone?: string
}

export function TimeText({ at, isRelative, timeZone }: Props) {
  useTranslation()
  if (!at) return <>—</>
  const exact = time(at, timeZone)
  if (!isRelative) return <time dateTime={at}>{exact}</time>
  return (
    <Tooltip title={exact}>
      <time dateTime={at}>{relative(at)}</time>
    </Tooltip>
  )
}
