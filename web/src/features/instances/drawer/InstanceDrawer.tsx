import { useQuery } from '@tanstack/react-query'
import { Alert, Drawer, Flex } from 'antd'
import { useTranslation } from 'react-i18next'

import { Loaded } from '../../../ui/Loaded'
import { InstanceActions } from '../actions'
import { instanceOf, type Instance } from '../addresses'
import { lookAgain, troubleOf } from '../life'
import { Facts } from './Facts'
import { LogPane } from './LogPane'
import styles from './drawer.module.css'

interface Props {
  prefix: string
  onClose: () => void
}

/** One instance: how it is, what it is, and what it printed last. */
export function InstanceDrawer({ prefix, onClose }: Props) {
  const query = useQuery({
    ...instanceOf(prefix),
    refetchInterval: ({ state: { data } }) => (data ? lookAgain([data]) : false),
  })
  return (
    <Drawer open title={<bdi>{prefix}</bdi>} size="min(860px, 100vw)" onClose={onClose}>
      <Loaded query={query}>
        {(instance) => (
          <Flex vertical gap="middle">
            <Flex gap="small" wrap>
              <InstanceActions instance={instance} onDeleted={onClose} />
            </Flex>
            <Trouble instance={instance} />
            <Facts instance={instance} />
            <LogPane instance={instance} />
          </Flex>
        )}
      </Loaded>
    </Drawer>
  )
}

/** Why it does not run, with what it printed last. */
function Trouble({ instance }: { instance: Instance }) {
  const { t } = useTranslation('instances')
  const trouble = troubleOf(instance)
  if (!trouble) return null
  return (
    <Alert
      type="error"
      showIcon
      title={trouble.reason}
      description={
        trouble.lines && (
          <pre className={styles.lines} tabIndex={0} aria-label={t('lastLines')}>
            {trouble.lines}
          </pre>
        )
      }
    />
  )
}
