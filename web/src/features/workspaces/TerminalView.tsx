import { useQueryClient } from '@tanstack/react-query'
import { Skeleton } from 'antd'
import { useTranslation } from 'react-i18next'

import { onDemand } from '../../ui/onDemand'
import { addressOf, workspaceOf } from './addresses'
import { useExplained } from './useExplained'

const TerminalScreen = onDemand(
  () => import('../../ui/terminal/TerminalScreen').then((found) => found.TerminalScreen),
  <Skeleton active />,
)

/** A shell in the workspace. */
export function TerminalView({ name }: { name: string }) {
  const { t } = useTranslation('terminal')
  const client = useQueryClient()
  const explain = useExplained(name)
  return (
    <TerminalScreen
      path={addressOf(name, 'terminal')}
      label={t('title')}
      look={() => client.query({ ...workspaceOf(name), staleTime: 0 })}
      explain={explain}
    />
  )
}
