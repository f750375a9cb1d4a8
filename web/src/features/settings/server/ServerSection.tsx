import { ReloadOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Alert, Button, Collapse, Flex } from 'antd'
import { useTranslation } from 'react-i18next'

import { time } from '../../../ui/format'
import { Loaded } from '../../../ui/Loaded'
import { Section } from '../Section'
import { LoopTable } from './LoopTable'
import { PartList } from './PartList'
import { loopsOf, partsOf, ready, type Loop, type Ready } from './ready'

const REFRESH_MS = 10_000

const isWell = (state: Ready) =>
  partsOf(state).every((part) => part.state === 'ok' || !part.isNeeded) && loopsOf(state).every((loop) => loop.isWell)

/** Whether the server, and what it depends on, are well. */
export function ServerSection() {
  const { t } = useTranslation('settings')
  const { t: c } = useTranslation()
  const query = useQuery({
    ...ready(),
    refetchInterval: ({ state: { data } }) => (data && !isWell(data) ? REFRESH_MS : false),
  })
  return (
    <Section
      title={t('server.title')}
      extra={
        <Button icon={<ReloadOutlined />} loading={query.isFetching} onClick={() => void query.refetch()}>
          {c('action.refresh')}
        </Button>
      }
    >
      <Loaded query={query}>
        {(state) => (
          <Flex vertical gap="middle">
            <Verdict state={state} at={query.dataUpdatedAt} />
            <PartList parts={partsOf(state)} />
            <Loops loops={loopsOf(state)} />
          </Flex>
        )}
      </Loaded>
    </Section>
  )
}

function Verdict({ state, at }: { state: Ready; at: number }) {
  const { t } = useTranslation('settings')
  const isUnwell = partsOf(state).some((part) => part.state !== 'ok' && part.isNeeded)
  const [type, title] = isUnwell
    ? (['error', t('server.unwell')] as const)
    : isWell(state)
      ? (['success', t('server.well')] as const)
      : (['warning', t('server.loopsUnwell')] as const)
  return <Alert type={type} showIcon title={title} description={t('server.checked', { at: time(at) })} />
}

/** Folded while there is nothing to see. */
function Loops({ loops }: { loops: Loop[] }) {
  const { t } = useTranslation('settings')
  const failing = loops.filter((loop) => !loop.isWell).length
  const label = t('server.loopsCount', { count: loops.length, failing })
  return (
    <Collapse
      defaultActiveKey={failing > 0 ? ['loops'] : []}
      items={[{ key: 'loops', label, children: <LoopTable loops={loops} /> }]}
    />
  )
}
