import { CheckCircleOutlined, DisconnectOutlined, SyncOutlined } from '@ant-design/icons'
import { Alert, Button, Flex, Switch, Tag, Typography } from 'antd'
import { useId, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { useTerminal, type Phase, type TerminalPlace } from './useTerminal'
import styles from './TerminalScreen.module.css'

const READ = 'crawlhub.terminal.read'

/** A terminal of the server's, with what can be done about it. */
export function TerminalScreen(place: TerminalPlace) {
  const { t } = useTranslation('terminal')
  const bar = useRef<HTMLDivElement>(null)
  const label = useId()
  const [isRead, setIsRead] = useState(localStorage.getItem(READ) === 'true')
  const leave = () => bar.current?.querySelector('button')?.focus()
  const { host, phase, connectAgain } = useTerminal(place, isRead, leave)
  const read = (to: boolean) => {
    localStorage.setItem(READ, String(to))
    setIsRead(to)
  }
  return (
    <section aria-label={place.label} className={styles.terminal}>
      <div role="status">
        {phase.is === 'over' && (
          <Alert
            type="warning"
            showIcon
            title={phase.why}
            action={
              <Button size="small" onClick={connectAgain}>
                {t('again')}
              </Button>
            }
          />
        )}
      </div>
      <div ref={host} className={styles.host} />
      <Flex ref={bar} gap="small" align="center" justify="space-between" wrap>
        <Flex gap="small" align="center">
          <Switch size="small" checked={isRead} onChange={read} aria-labelledby={label} />
          <span id={label}>{t('read')}</span>
        </Flex>
        <Typography.Text type="secondary" className={styles.keys}>
          {t('keys')}
        </Typography.Text>
        <PhaseTag phase={phase} />
      </Flex>
    </section>
  )
}

const LOOKS = {
  opening: { color: 'processing', icon: <SyncOutlined spin /> },
  open: { color: 'success', icon: <CheckCircleOutlined /> },
  over: { color: 'default', icon: <DisconnectOutlined /> },
}

function PhaseTag({ phase }: { phase: Phase }) {
  const { t } = useTranslation('terminal')
  return <Tag {...LOOKS[phase.is]}>{t(`phase.${phase.is}`)}</Tag>
}
