import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'

import { EmptyState } from '../ui/EmptyState'

export function NotFound() {
  const { t } = useTranslation()
  return (
    <EmptyState
      title={t('error.notFound')}
      hint={t('error.notFoundHint')}
      action={<Link to="/">{t('nav.dashboard')}</Link>}
    />
  )
}
