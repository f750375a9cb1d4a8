import { CodeOutlined, DownOutlined, WarningOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Button, Popover, Skeleton, Space } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { useMay } from '../session/profile'
import { clock } from './clock'
import { ownEditor } from './session'
import { useHeartbeat } from './useHeartbeat'
import { useOpening } from './useOpening'
import styles from './EditOnlineButton.module.css'
import { onDemand } from '../../ui/onDemand'

const EditorPanel = onDemand(() => import('./EditorPanel').then((found) => found.EditorPanel), <Skeleton active />)

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
  const { status, warning } = session
  const isWarned = status === 'ready' && !!warning
  const state = isWarned ? t('closesAt', { at: clock(warning.at) }) : t(`status.${status}`)
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
        <Button aria-expanded={isShown} aria-haspopup="dialog" aria-label={`${t('own')}: ${state}`}>
          {isWarned && <WarningOutlined />}
          {state}
          <DownOutlined />
        </Button>
      </Popover>
      <span role="status" className={styles.unseen}>
        {isWarned && state}
      </span>
    </Space.Compact>
  )
}
