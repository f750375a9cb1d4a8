import { useQuery } from '@tanstack/react-query'
import { Alert } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, get } from '../../api/client'
import { useChange } from '../../api/useChange'
import { ConfirmButton } from '../../ui/ConfirmButton'
import { useMay } from '../session/profile'
import { CHANGED, SPIDER, VERSIONS, versionPath } from './address'

/** What runs take: a version, or the files as they are. */
export function Running({ spiderId }: { spiderId: string }) {
  const { t } = useTranslation('versions')
  const mayChange = useMay('editor')
  const activeId = useQuery(get(SPIDER, { params: { path: { id: spiderId } } })).data?.active_deployment_id
  const active = useQuery({
    ...get(`${VERSIONS}/{deployment_id}`, { params: versionPath(spiderId, activeId ?? '') }),
    enabled: !!activeId,
  }).data
  const deactivate = useChange(() => api.POST(`${VERSIONS}/deactivate`, { params: { path: { id: spiderId } } }), {
    refreshes: CHANGED,
    done: t('deactivated'),
  })
  if (activeId === undefined) return null
  if (activeId === null) return <Alert type="info" showIcon title={t('runsFiles')} description={t('runsFilesHint')} />
  if (active === undefined) return null
  const { version } = active
  return (
    <Alert
      type="success"
      showIcon
      title={t('runsVersion', { version })}
      description={t('runsVersionHint')}
      action={
        mayChange && (
          <ConfirmButton
            size="small"
            danger={false}
            question={t('deactivateAsk', { version })}
            consequence={t('deactivateHint')}
            confirmText={t('deactivate')}
            loading={deactivate.isPending}
            onConfirm={() => deactivate.mutateAsync(undefined)}
          >
            {t('deactivate')}
          </ConfirmButton>
        )
      }
    />
  )
}
