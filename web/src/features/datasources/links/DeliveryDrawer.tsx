import { PlusOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Button, Drawer, Flex, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { get } from '../../../api/client'
import { EmptyState } from '../../../ui/EmptyState'
import { Loaded } from '../../../ui/Loaded'
import { sameId, useEdited } from '../../../ui/useEdited'
import { useMay } from '../../session/profile'
import { LINKS } from '../addresses'
import { LinkCard } from './LinkCard'
import { LinkDialog } from './LinkDialog'

interface Props {
  spiderId: string
  isOpen: boolean
  onClose: () => void
}

const LOOK_AGAIN_MS = 5000

/** The databases that a spider's items go to, and how that fares. */
export function DeliveryDrawer({ spiderId, isOpen, onClose }: Props) {
  const { t } = useTranslation('datasources')
  const isEditor = useMay('editor')
  const query = useQuery({
    ...get(LINKS, { params: { path: { id: spiderId } } }),
    enabled: isOpen,
    refetchInterval: ({ state }) =>
      isOpen && state.data?.some(({ backlog, is_enabled }) => is_enabled && backlog > 0) ? LOOK_AGAIN_MS : false,
  })
  const dialog = useEdited(query.data, sameId)
  const add = isEditor && (
    <Button type="primary" icon={<PlusOutlined />} onClick={dialog.create}>
      {t('links.add')}
    </Button>
  )
  return (
    <Drawer open={isOpen} onClose={onClose} size={560} title={t('links.open')}>
      <Flex vertical gap="middle">
        <Typography.Text type="secondary">{t('links.about')}</Typography.Text>
        <Loaded query={query}>
          {(links) =>
            links.length === 0 ? (
              <EmptyState title={t('links.empty')} action={add} />
            ) : (
              <>
                {links.map((link) => (
                  <LinkCard key={link.id} link={link} onEdit={() => dialog.edit(link)} />
                ))}
                <div>{add}</div>
              </>
            )
          }
        </Loaded>
      </Flex>
      <LinkDialog spiderId={spiderId} link={dialog.edited} isOpen={dialog.isOpen} onClose={dialog.close} />
    </Drawer>
  )
}
