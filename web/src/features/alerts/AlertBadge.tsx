import { BellOutlined } from '@ant-design/icons'
import { useRouter } from '@tanstack/react-router'
import { Button, theme } from 'antd'
import { useTranslation } from 'react-i18next'

import { useUnread } from './useUnread'
import styles from './AlertBadge.module.css'

const MOST = 99

/** How many alerts nobody has read. */
export function AlertBadge() {
  const { t } = useTranslation()
  const router = useRouter()
  const unread = useUnread() ?? 0
  const { token } = theme.useToken()
  return (
    <span className={styles.place}>
      <Button
        type="text"
        icon={<BellOutlined />}
        aria-label={`${t('nav.alerts')} (${unread})`}
        onClick={() => void router.navigate({ to: '/alerts' })}
      />
      {unread > 0 && (
        <span aria-hidden className={styles.count} style={{ background: token.red7 }}>
          {unread > MOST ? `${MOST}+` : unread}
        </span>
      )}
    </span>
  )
}
