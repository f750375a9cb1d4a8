import { Descriptions, Drawer, Flex } from 'antd'
import { useTranslation } from 'react-i18next'

import { TimeText } from '../../../ui/TimeText'
import type { Thing } from '../types'
import { KindTag } from './KindTag'
import { labelText } from './label'
import { VersionList } from './VersionList'

interface Props {
  spiderId: string
  thing: Thing | null
  isOpen: boolean
  onClose: () => void
}

/** One thing that a spider brings, and what it has been. */
export function ThingDrawer({ spiderId, thing, isOpen, onClose }: Props) {
  const { t } = useTranslation('data')
  if (!thing) return null
  const times = [
    { key: 'first', label: t('changes.firstSeen'), at: thing.first_seen },
    { key: 'last', label: t('changes.lastSeen'), at: thing.last_seen },
    ...(thing.gone_at ? [{ key: 'gone', label: t('changes.goneAt'), at: thing.gone_at }] : []),
  ]
  return (
    <Drawer
      open={isOpen}
      onClose={onClose}
      size={640}
      title={
        <Flex gap="small" align="center" wrap>
          <bdi style={{ overflowWrap: 'anywhere' }}>
            {thing.label ? labelText(thing.label) : t('changes.wholeItem')}
          </bdi>
          <KindTag kind={thing.kind} />
        </Flex>
      }
      destroyOnHidden
    >
      <Flex vertical gap="middle">
        <Descriptions
          size="small"
          column={1}
          items={times.map(({ key, label, at }) => ({ key, label, children: <TimeText at={at} /> }))}
        />
        <VersionList spiderId={spiderId} thingKey={thing.key} />
      </Flex>
    </Drawer>
  )
}
