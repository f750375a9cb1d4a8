import { Drawer } from 'antd'

import { Navigation } from './Navigation'

interface Props {
  isOpen: boolean
  onClose: () => void
}

/** The navigation where there is no room beside the page. */
export function NavigationDrawer({ isOpen, onClose }: Props) {
  return (
    <Drawer
      open={isOpen}
      onClose={onClose}
      placement="left"
      size={260}
      title="CrawlHub"
      styles={{ body: { padding: 0 } }}
    >
      <Navigation onChosen={onClose} />
    </Drawer>
  )
}
