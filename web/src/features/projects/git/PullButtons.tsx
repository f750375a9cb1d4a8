import { SyncOutlined } from '@ant-design/icons'
import { Button } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, type Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { ConfirmButton } from '../../../ui/ConfirmButton'
import { PROJECT, PROJECTS } from '../addresses'
import { isSyncing } from './sync'

/** Fetches the repository again; what users changed stays, or goes. */
export function PullButtons({ project }: { project: Schemas['Project'] }) {
  const { t } = useTranslation('projects')
  const pull = useChange(
    (force: boolean) => api.POST(`${PROJECT}/pull`, { params: { path: { id: project.id } }, body: { force } }),
    { refreshes: [PROJECTS], done: t('git.asked') },
  )
  return (
    <>
      <Button
        type="primary"
        icon={<SyncOutlined spin={isSyncing(project)} />}
        loading={pull.isPending}
        onClick={() => pull.mutate(false)}
      >
        {t('git.pull')}
      </Button>
      <ConfirmButton
        question={t('git.forceAsk', { name: project.name })}
        consequence={t('git.forceHint')}
        confirmText={t('git.force')}
        loading={pull.isPending}
        onConfirm={() => pull.mutateAsync(true)}
      >
        {t('git.force')}
      </ConfirmButton>
    </>
  )
}
