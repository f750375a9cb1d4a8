import { DatabaseOutlined } from '@ant-design/icons'
import { Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { onDemand } from '../../../ui/onDemand'

const DeliveryDrawer = onDemand(() => import('./DeliveryDrawer').then((found) => found.DeliveryDrawer))

/** Where a spider's items are written to. */
export function DeliveryButton({ spiderId }: { spiderId: string }) {
  const { t } = useTranslation('datasources')
  const [isOpen, setIsOpen] = useState(false)
  return (
    <>
      <Button icon={<DatabaseOutlined />} onClick={() => setIsOpen(true)}>
        {t('links.open')}
      </Button>
      <DeliveryDrawer spiderId={spiderId} isOpen={isOpen} onClose={() => setIsOpen(false)} />
    </>
  )
}
