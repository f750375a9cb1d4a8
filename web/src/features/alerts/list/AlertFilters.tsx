import { getRouteApi } from '@tanstack/react-router'
import { Button, Flex, Segmented, Select } from 'antd'
import { useTranslation } from 'react-i18next'

import { api } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { useMay } from '../../session/profile'
import { ALERTS } from '../addresses'
import { useUnread } from '../useUnread'
import { LEVELS, type Level } from './LevelTag'

const route = getRouteApi('/inside/alerts')

/** Which alerts are listed, and what is done to all of them. */
export function AlertFilters() {
  const { t } = useTranslation('alerts')
  const { level, is_read } = route.useSearch()
  const navigate = route.useNavigate()
  const isEditor = useMay('editor')
  const unread = useUnread() ?? 0
  const readAll = useChange(() => api.POST(`${ALERTS}/read-all`), { refreshes: [ALERTS] })
  const filter = (change: { level?: typeof level; is_read?: boolean }) =>
    void navigate({ search: (before) => ({ ...before, page: undefined, ...change }) })
  return (
    <Flex gap="small" wrap style={{ marginBottom: 12 }}>
      <Segmented
        aria-label={t('list.readFilter')}
        value={is_read === undefined ? 'all' : is_read ? 'read' : 'unread'}
        options={[
          { value: 'all', label: t('list.anyRead') },
          { value: 'unread', label: `${t('list.unread')} (${unread})` },
          { value: 'read', label: t('list.read') },
        ]}
        onChange={(value) => filter({ is_read: value === 'all' ? undefined : value === 'read' })}
      />
      <Select<Level | 'all'>
        aria-label={t('list.levelFilter')}
        style={{ width: 140 }}
        value={level ?? 'all'}
        options={[
          { value: 'all', label: t('list.anyLevel') },
          ...LEVELS.map((value) => ({ value, label: t(`level.${value}`) })),
        ]}
        onChange={(value) => filter({ level: value === 'all' ? undefined : value })}
      />
      {isEditor && (
        <Button
          disabled={unread === 0}
          loading={readAll.isPending}
          onClick={() => readAll.mutate(undefined)}
          style={{ marginInlineStart: 'auto' }}
        >
          {t('list.readAll')}
        </Button>
      )}
    </Flex>
  )
}
