import { Link } from '@tanstack/react-router'
import { Flex, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../../api/client'
import { deedOf } from './deed'

/** What was done in words, and the call itself for whoever wants it exactly. */
export function DeedCell({ entry: { method, path } }: { entry: Schemas['AuditEntry'] }) {
  const { t } = useTranslation('accounts')
  const { t: c } = useTranslation()
  const deed = deedOf(method, path)
  return (
    <Flex vertical style={{ minWidth: 260, maxWidth: 420, whiteSpace: 'normal', overflowWrap: 'anywhere' }}>
      {deed && (
        <Flex gap="small">
          <span>{t('deed', { verb: t(`verb.${deed.verb}`), object: t(`object.${deed.object}`) })}</span>
          {deed.spiderId && (
            <Link to="/spiders/$spiderId" params={{ spiderId: deed.spiderId }}>
              {c('word.spider')}
            </Link>
          )}
          {deed.taskId && (
            <Link to="/tasks/$taskId" params={{ taskId: deed.taskId }}>
              {c('word.task')}
            </Link>
          )}
        </Flex>
      )}
      <Typography.Text type="secondary" style={{ fontFamily: 'monospace', fontSize: 12 }}>
        {method} {path.replace('/platform/api/', '')}
      </Typography.Text>
    </Flex>
  )
}
