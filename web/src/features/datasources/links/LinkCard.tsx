import { Alert, Card, Flex, Statistic } from 'antd'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../../api/client'
import { count, time } from '../../../ui/format'
import { TimeText } from '../../../ui/TimeText'
import { useMay } from '../../session/profile'
import { KINDS } from '../kinds'
import { LinkActions } from './LinkActions'
import { RefusedItems } from './RefusedItems'

interface Props {
  link: Schemas['Link']
  onEdit: () => void
}

/** How the delivery to one table fares. */
export function LinkCard({ link, onEdit }: Props) {
  const { t } = useTranslation('datasources')
  const isEditor = useMay('editor')
  const figures = (['delivered', 'backlog', 'refused', 'gone'] as const).filter(
    (name) => name !== 'gone' || link.gone > 0,
  )
  return (
    <Card
      size="small"
      title={
        <span style={{ whiteSpace: 'normal', overflowWrap: 'anywhere' }}>
          <bdi>{link.datasource_name}</bdi> → <bdi>{link.target_table}</bdi>
        </span>
      }
      extra={KINDS[link.datasource_type].name}
    >
      <Flex vertical gap="small">
        <Flex gap="large" wrap>
          {figures.map((name) => (
            <Statistic
              key={name}
              title={t(`links.${name}`)}
              value={count(link[name])}
              styles={{ content: { fontSize: 18 } }}
            />
          ))}
        </Flex>
        {link.last_error && <Failure link={link} />}
        <div>
          {t('links.lastDelivered')}: <TimeText at={link.last_delivered_at} isRelative />
        </div>
        {link.refused > 0 && <RefusedItems link={link} />}
        {isEditor && <LinkActions link={link} onEdit={onEdit} />}
      </Flex>
    </Card>
  )
}

function Failure({ link }: { link: Schemas['Link'] }) {
  const { t } = useTranslation('datasources')
  const { last_error, failing_since, next_attempt_at, failures } = link
  const told = [
    failing_since && t('links.failingSince', { time: time(failing_since), failures }),
    next_attempt_at && t('links.nextAttempt', { time: time(next_attempt_at) }),
  ]
  return <Alert type="error" showIcon title={last_error} description={told.filter(Boolean).join(' · ')} />
}
