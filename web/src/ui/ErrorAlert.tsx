import { Alert, Button } from 'antd'
import { useTranslation } from 'react-i18next'

import { ApiError } from '../api/errors'
import { errorText } from './errorText'

interface Props {
  error: unknown
  onRetry?: () => void
}

export function ErrorAlert({ error, onRetry }: Props) {
  const { t } = useTranslation()
  const requestId = error instanceof ApiError && error.status >= 500 ? error.requestId : null
  return (
    <Alert
      type="error"
      showIcon
      title={errorText(error)}
      description={requestId && `${t('error.requestId')}: ${requestId}`}
      action={
        onRetry && (
          <Button size="small" onClick={onRetry}>
            {t('action.retry')}
          </Button>
        )
      }
    />
  )
}
