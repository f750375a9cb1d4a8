import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { Alert, Button, Flex } from 'antd'
import { useTranslation } from 'react-i18next'

import { get } from '../../api/client'
import { EmptyState } from '../../ui/EmptyState'
import { Loaded } from '../../ui/Loaded'
import { onDemand } from '../../ui/onDemand'
import { sameId, useEdited } from '../../ui/useEdited'
import { useMay } from '../session/profile'
import { SCHEDULES, SPIDER } from './addresses'
import { ExplainCard } from './explain/ExplainCard'
import { LedgerCard } from './ledger/LedgerCard'
import { ScheduleCard } from './list/ScheduleCard'
import { UpcomingCard } from './upcoming/UpcomingCard'

const ScheduleDialog = onDemand(() => import('./form/ScheduleDialog').then((found) => found.ScheduleDialog))

const route = getRouteApi('/inside/spiders/$spiderId/schedule')

/** When one spider runs by itself, and whether it did. */
export function ScheduleTab() {
  const { t } = useTranslation('schedules')
  const { spiderId } = route.useParams()
  const { schedule: chosen } = route.useSearch()
  const navigate = route.useNavigate()
  const mayChange = useMay('editor')
  const query = useQuery(get(SCHEDULES, { params: { query: { spider_id: spiderId, page_size: 100 } } }))
  const dialog = useEdited(query.data?.items, sameId)
  const spider = useQuery(get(SPIDER, { params: { path: { id: spiderId } } })).data
  const create = mayChange && (
    <Button type="primary" onClick={dialog.create}>
      {t('create')}
    </Button>
  )
  return (
    <Loaded query={query}>
      {({ items }) => {
        const schedules = items.toSorted((a, b) => Number(b.is_own) - Number(a.is_own))
        const shown = schedules.find(({ id }) => id === chosen) ?? schedules[0]
        return (
          <Flex vertical gap="middle">
            {spider?.is_active === false && schedules.length > 0 && (
              <Alert type="warning" showIcon title={t('spiderPaused')} />
            )}
            {shown ? (
              <>
                <div>{create}</div>
                {schedules.map((schedule) => (
                  <ScheduleCard
                    key={schedule.id}
                    schedule={schedule}
                    isShown={schedule.id === shown.id}
                    isOnlyOne={schedules.length === 1}
                    onShow={() =>
                      void navigate({ search: { schedule: schedule.id }, replace: true, resetScroll: false })
                    }
                    onEdit={() => dialog.edit(schedule)}
                  />
                ))}
                <UpcomingCard schedule={shown} />
                <LedgerCard key={shown.id} schedule={shown} />
                <ExplainCard key={`${shown.id} ${shown.timezone}`} schedule={shown} />
              </>
            ) : (
              <EmptyState title={t('empty')} hint={t('emptyHint')} action={create} />
            )}
            <ScheduleDialog
              spiderId={spiderId}
              zone={spider?.timezone}
              schedule={dialog.edited}
              isOpen={dialog.isOpen}
              onClose={dialog.close}
            />
          </Flex>
        )
      }}
    </Loaded>
  )
}
