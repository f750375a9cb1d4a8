import { useTranslation } from 'react-i18next'

import { EmptyState } from '../../../ui/EmptyState'
import { time } from '../../../ui/format'

interface Props {
  isFiltered: boolean
  isRunning: boolean
  removedAt: string | null
}

export function NoLines({ isFiltered, isRunning, removedAt }: Props) {
  const { t } = useTranslation('tasks')
  if (removedAt) return <EmptyState title={t('log.none')} hint={t('log.removed', { at: time(removedAt) })} />
  if (isFiltered) return <EmptyState title={t('log.noneFound')} />
  if (isRunning) return <EmptyState title={t('log.noneYet')} hint={t('log.noneYetHint')} />
  return <EmptyState title={t('log.none')} hint={t('log.noneHint')} />
}
