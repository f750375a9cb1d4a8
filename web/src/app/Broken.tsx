import { useRouter, type ErrorComponentProps } from '@tanstack/react-router'
import { Button, Result } from 'antd'
import { useTranslation } from 'react-i18next'

import { errorText } from '../ui/errorText'

/** Where a page cannot be shown: why, and a way on. Also for a tab that is older than the server: its pieces are gone. */
export function Broken({ error }: ErrorComponentProps) {
  const { t } = useTranslation()
  const router = useRouter()
  const isStale = /dynamically imported module|module script/i.test(String(error))
  const again = () => (isStale ? location.reload() : void router.invalidate())
  return (
    <Result
      status="error"
      title={t('error.title')}
      subTitle={errorText(error)}
      extra={
        <Button type="primary" onClick={again}>
          {t('action.retry')}
        </Button>
      }
    />
  )
}
