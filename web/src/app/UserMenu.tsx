import { UserOutlined } from '@ant-design/icons'
import { useQueryClient } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { Button, Dropdown, Flex, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { api } from '../api/client'
import { tellTabs } from '../api/tabs'
import { useChange } from '../api/useChange'
import { useProfile } from '../features/session/profile'

export function UserMenu() {
  const { t } = useTranslation()
  const own = useProfile()
  const router = useRouter()
  const client = useQueryClient()
  const signOut = useChange(() => api.POST('/platform/api/logout'), {
    onSuccess: () => {
      tellTabs({ session: 'over' })
      client.clear()
      void router.navigate({ to: '/login' })
    },
  })
  const items = [
    {
      key: 'who',
      disabled: true,
      label: (
        <Flex vertical>
          <Typography.Text strong>{own?.name}</Typography.Text>
          <Typography.Text type="secondary">{own?.email}</Typography.Text>
          <Typography.Text type="secondary">{own && t(`role.${own.role}`)}</Typography.Text>
        </Flex>
      ),
    },
    { type: 'divider' as const },
    { key: 'settings', label: t('nav.settings'), onClick: () => void router.navigate({ to: '/settings' }) },
    { key: 'leave', label: t('session.signOut'), onClick: () => signOut.mutate(undefined) },
  ]
  return (
    <Dropdown trigger={['click']} menu={{ items }}>
      <Button type="text" icon={<UserOutlined />} aria-label={t('preference.account')} />
    </Dropdown>
  )
}
