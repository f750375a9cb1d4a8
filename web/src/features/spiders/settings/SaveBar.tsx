import { Alert, Button, Flex, theme } from 'antd'
import { useTranslation } from 'react-i18next'

import { ErrorAlert } from '../../../ui/ErrorAlert'
import styles from './groups.module.css'

interface Props {
  isSaving: boolean
  /** By somebody who saved before. */
  isOvertaken: boolean
  /** What was refused of no field. */
  error: unknown
  onDiscard: () => void
}

/** In sight as long as something is not saved. */
export function SaveBar({ isSaving, isOvertaken, error, onDiscard }: Props) {
  const { t } = useTranslation('spiders')
  const { t: c } = useTranslation()
  const { token } = theme.useToken()
  return (
    <Flex vertical gap="small" className={styles.saveBar} style={{ background: token.colorBgLayout }}>
      {error !== null && <ErrorAlert error={error} />}
      {isOvertaken && <Alert type="warning" showIcon title={t('settings.overtaken')} />}
      <Flex gap="small" align="center" justify="space-between" wrap>
        <span role="status">{t('settings.unsaved')}</span>
        <Flex gap="small">
          <Button onClick={onDiscard} disabled={isSaving}>
            {t('settings.discard')}
          </Button>
          <Button type="primary" htmlType="submit" loading={isSaving}>
            {c('action.save')}
          </Button>
        </Flex>
      </Flex>
    </Flex>
  )
}
