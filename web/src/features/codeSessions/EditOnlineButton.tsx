import { CodeOutlined, DownOutlined, WarningOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Button, Popover, Space } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { time } from '../../ui/format'
import { useMay } from '../session/profile'
import { EditorPanel } from './EditorPanel'
import { ownEditor, type CodeSession } from './session'
import { useHeartbeat } from './useHeartbeat'
import { useOpening } from './useOpening'

interface Props {
  spiderId: string
}

/** Opens the spider's files in an editor of the caller's own, and says how that one fares. */
export function EditOnlineButton({ spiderId }: Props) {
  return useMay('editor') ? <Control key={spiderId} spiderId={spiderId} /> : null
}

function Control({ spiderId }: Props) {
  const { t } = useTranslation('codeSessions')
  const session = useQuery(ownEditor(spiderId)).data ?? null
  const { open, isOpening } = useOpening(spiderId)
  const [isShown, setIsShown] = useState(false)
  useHeartbeat(spiderId, session)
  const button = (
    <Button icon={<CodeOutlined />} loading={isOpening} disabled={session?.status === 'syncing'} onClick={open}>
      {t('editOnline')}
    </Button>
  )
  if (session === null) return button
  return (
    <Space.Compact>
      {button}
      <Popover
        trigger="click"
        placement="bottomRight"
        open={isShown}
        onOpenChange={setIsShown}
        title={t('own')}
        content={<EditorPanel session={session} onOpenAgain={open} isOpening={isOpening} />}
      >
        <Button aria-expanded={isShown} aria-haspopup="dialog">
          <span role="status">
            <State session={session} />
          </span>
          <DownOutlined />
        </Button>
      </Popover>
    </Space.Compact>
  )
}

function State({ session: { status, warning } }: { session: CodeSession }) {
  const { t } = useTranslation('codeSessions')
  if (status !== 'ready' || !warning) return t(`status.${status}`)
  return (
    <>
      <WarningOutlined /> {t('closesAt', { at: time(warning.at, undefined, false).slice(-5) })}
    </>
  )
}
