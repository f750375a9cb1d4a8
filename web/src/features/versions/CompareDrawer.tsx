import { SwapOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Button, Collapse, Drawer, Flex, Select, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { get } from '../../api/client'
import { EmptyState } from '../../ui/EmptyState'
import { Loaded } from '../../ui/Loaded'
import { diffOf, FILES, VERSIONS, type Deployment, type Side } from './address'
import { FileChangeTitle, FileDiff } from './FileDiff'
import { ChangedSettings } from './Settings'
import { asked, changesOf } from './sides'

/** As many as a list of the API has at most. */
const MOST_CHOICES = 100
/** That many files are unfolded at first. */
const FEW = 3

export interface Sides {
  from: Side
  to: Side
}

interface Props extends Sides {
  spiderId: string
  /** Those that are on the page: one of them may be older than what can be chosen. */
  known: Deployment[]
  onChange: (sides: Sides) => void
  onClose: () => void
}

/** What differs between two versions, or a version and the files as they are. */
export function CompareDrawer({ spiderId, from, to, known, onChange, onClose }: Props) {
  const { t } = useTranslation('versions')
  const versions = useQuery(
    get(VERSIONS, { params: { path: { id: spiderId }, query: { page: 1, page_size: MOST_CHOICES } } }),
  )
  const all = new Map([...(versions.data?.items ?? []), ...known].map((version) => [version.id, version]))
  const options = [
    { value: FILES, label: t('filesNow') },
    ...[...all.values()]
      .sort((one, other) => other.version - one.version)
      .map(({ id, version, deploy_note }) => ({
        value: id,
        label: deploy_note ? `v${version} · ${deploy_note}` : `v${version}`,
      })),
  ]
  const choose = (side: keyof Sides) => (
    <Select
      aria-label={t(side)}
      value={side === 'from' ? from : to}
      options={options}
      onChange={(value: Side) => onChange({ from, to, [side]: value })}
      style={{ flex: '1 1 200px', minWidth: 0 }}
      popupMatchSelectWidth={false}
    />
  )
  return (
    <Drawer open title={t('compare')} size="min(1200px, 100vw)" onClose={onClose}>
      <Flex gap="small" align="center" wrap style={{ marginBottom: 16 }}>
        {choose('from')}
        <Button icon={<SwapOutlined />} aria-label={t('swap')} onClick={() => onChange({ from: to, to: from })} />
        {choose('to')}
      </Flex>
      <Comparison key={`${from} ${to}`} spiderId={spiderId} from={from} to={to} />
    </Drawer>
  )
}

function Comparison({ spiderId, from, to }: Sides & { spiderId: string }) {
  const { t } = useTranslation('versions')
  const ask = asked(from, to)
  const query = useQuery({
    ...diffOf(spiderId, ask?.version ?? '', ask?.against ?? ''),
    enabled: ask !== null,
    staleTime: 0,
  })
  if (ask === null) return <EmptyState title={t('sameSides')} hint={t('sameSidesHint')} />
  return (
    <Loaded query={query}>
      {(diff) => {
        const { files, settings } = changesOf(diff, ask.isTurned)
        if (files.length + settings.length === 0) return <EmptyState title={t('noDifference')} />
        return (
          <>
            <ChangedSettings settings={settings} />
            <Typography.Title level={3} style={{ fontSize: 15 }}>
              {t('changedFiles', { count: files.length })}
            </Typography.Title>
            <Collapse
              defaultActiveKey={files.length <= FEW ? files.map((change) => change.path) : []}
              items={files.map((change) => ({
                key: change.path,
                label: <FileChangeTitle change={change} />,
                children: <FileDiff spiderId={spiderId} from={from} to={to} change={change} />,
              }))}
            />
          </>
        )
      }}
    </Loaded>
  )
}
