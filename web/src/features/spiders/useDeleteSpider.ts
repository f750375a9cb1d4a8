import { useTranslation } from 'react-i18next'

import { api } from '../../api/client'
import { useChange } from '../../api/useChange'

export function useDeleteSpider(onDeleted?: () => void) {
  const { t } = useTranslation()
  return useChange((id: string) => api.DELETE('/platform/api/crawlhub/spiders/{id}', { params: { path: { id } } }), {
    done: t('said.deleted'),
    onSuccess: onDeleted,
    // The page of what is gone is not asked for again.
    refreshes: onDeleted
      ? ['/platform/api/crawlhub/projects']
      : ['/platform/api/crawlhub/spiders', '/platform/api/crawlhub/projects'],
  })
}
