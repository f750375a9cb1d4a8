import { BellOutlined } from '@ant-design/icons'
import { useRouter } from '@tanstack/react-router'
import { Badge, Button } from 'antd'
import { useTranslation } from 'react-i18next'

import { useUnread } from './useUnread'

/** How many alerts nobody has read. */
export function AlertBadge() {
  const { t } = useTranslation()
  const router = useRouter()
  const unread = useUnread() ?? 0
  return (
    <Badge count={unread} size="small" offset={[-6, 6]}>
      <Button
        type="text"
        icon={<BellOutlined />}
        aria-label={`${t('nav.alerts')} (${unread})`}
        onClick={() => void router.navigate({ to: '/alerts' })}
      />
    </Badge>
  )
}
