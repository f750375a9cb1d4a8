import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../../api/client'
import { ShownOnce } from '../../../ui/ShownOnce'

interface Props {
  token: Schemas['CreatedToken'] | null
  onClose: () => void
}

/** The token itself, this once. */
export function CreatedToken({ token, onClose }: Props) {
  const { t } = useTranslation('accounts')
  if (!token) return null
  const example = `curl -H "Authorization: Bearer ${token.token}" ${location.origin}/platform/api/crawlhub/spiders`
  return (
    <ShownOnce
      title={t('tokens.created', { name: token.name })}
      warning={t('tokens.once')}
      parts={[
        { label: t('tokens.token'), text: token.token },
        { label: t('tokens.example'), text: example },
      ]}
      doneText={t('tokens.kept')}
      onClose={onClose}
    />
  )
}
