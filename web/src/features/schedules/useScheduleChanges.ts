import { useTranslation } from 'react-i18next'

import { api, type Schemas } from '../../api/client'
import { useChange } from '../../api/useChange'
import { SPIDER_ALONE } from '../spiders/addresses'
import { SCHEDULE, SCHEDULES, type Schedule } from './addresses'

// A spider knows its own expression, and when it runs next.
const refreshes = [SCHEDULES, ...SPIDER_ALONE]

/** What can be done with a schedule; `null`: one that is new. */
export function useSave(schedule: Schedule | null) {
  const { t } = useTranslation('schedules')
  return useChange(
    (body: Schemas['ScheduleChange']) =>
      schedule ? api.PUT(SCHEDULE, { params: { path: { id: schedule.id } }, body }) : api.POST(SCHEDULES, { body }),
    { refreshes, isQuiet: true, done: t('saved') },
  )
}

export function useActivate({ id }: Schedule) {
  return useChange((is_active: boolean) => api.PUT(SCHEDULE, { params: { path: { id } }, body: { is_active } }), {
    refreshes,
  })
}

export function useDelete({ id }: Schedule) {
  const { t } = useTranslation('schedules')
  return useChange(() => api.DELETE(SCHEDULE, { params: { path: { id } } }), { refreshes, done: t('deleted') })
}
