import { Link } from '@tanstack/react-router'
import { Button } from 'antd'
import { useTranslation } from 'react-i18next'

import { EmptyState } from '../../../ui/EmptyState'
import { narrowed, type ViewProps } from '../search'
import type { ItemPage } from '../types'

/** Why there is nothing to see. */
export function NoItems({ found, search, onSearch }: ViewProps & { found: ItemPage }) {
  const { t } = useTranslation('data')
  const { t: c } = useTranslation()
  const { next_cursor: cursor } = found
  if (cursor) {
    const goOn = (
      <Button type="primary" onClick={() => onSearch({ cursor, page: undefined })}>
        {t('items.goOn')}
      </Button>
    )
    return <EmptyState title={t('items.noneYet')} hint={t('items.noneYetHint')} action={goOn} />
  }
  const isNarrowed = search.q !== undefined || search.filter !== undefined || search.is_test !== undefined
  if (isNarrowed || search.cursor) {
    const clear = (
      <Button onClick={() => onSearch(narrowed({ q: undefined, filter: undefined, is_test: undefined }))}>
        {t('items.clear')}
      </Button>
    )
    return <EmptyState title={t('items.noneLike')} action={clear} />
  }
  return (
    <EmptyState
      title={t('items.none')}
      hint={t('items.noneHint')}
      action={search.task_id === undefined && <Link to="/spiders">{c('nav.spiders')}</Link>}
    />
  )
}
