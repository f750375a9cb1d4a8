import { Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { api, dataOf, type Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { ConfirmButton } from '../../../ui/ConfirmButton'
import { onDemand } from '../../../ui/onDemand'
import { PROJECT, PROJECTS } from '../addresses'

const ShownOnce = onDemand(() => import('../../../ui/ShownOnce').then((found) => found.ShownOnce))

/** What the forge is to be given, so that pushes are fetched by themselves. */
export function WebhookButton({ project }: { project: Schemas['Project'] }) {
  const { t } = useTranslation('projects')
  const [made, setMade] = useState<Schemas['WebhookSecret'] | null>(null)
  const make = useChange(
    () => dataOf(api.POST(`${PROJECT}/webhook-secret`, { params: { path: { id: project.id } } })),
    { refreshes: [PROJECTS], onSuccess: setMade },
  )
  return (
    <>
      {project.has_webhook_secret ? (
        <ConfirmButton
          danger={false}
          question={t('git.webhookAsk')}
          consequence={t('git.webhookAskHint')}
          confirmText={t('git.webhookAgain')}
          loading={make.isPending}
          onConfirm={() => make.mutateAsync(undefined)}
        >
          {t('git.webhookAgain')}
        </ConfirmButton>
      ) : (
        <Button loading={make.isPending} onClick={() => make.mutate(undefined)}>
          {t('git.webhook')}
        </Button>
      )}
      {made && (
        <ShownOnce
          title={t('git.webhook')}
          warning={t('git.webhookOnce')}
          parts={[
            { label: t('git.webhookUrl'), text: `${location.origin}${made.path}` },
            { label: t('git.webhookSecret'), text: made.secret },
          ]}
          doneText={t('git.kept')}
          onClose={() => setMade(null)}
        />
      )}
    </>
  )
}
