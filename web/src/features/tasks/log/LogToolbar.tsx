import { DownloadOutlined, VerticalAlignBottomOutlined, VerticalAlignTopOutlined } from '@ant-design/icons'
import { Button, Checkbox, Flex, Select, Tag } from 'antd'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { SearchBox } from '../../../ui/SearchBox'
import { TASK } from '../addresses'
import { downloadLarge } from '../downloadLarge'
import { LevelSelect } from './LevelSelect'
import type { LogFilter, Start } from './reading'

type Stream = Schemas['Stream']

const STREAMS: Stream[] = ['stdout', 'stderr', 'system']

interface Props {
  taskId: string
  filter: LogFilter
  onFilter: (filter: LogFilter) => void
  isWrapped: boolean
  onWrap: (isWrapped: boolean) => void
  /** Null where there is nothing to follow. */
  isFollowed: boolean | null
  onFollow: (isFollowed: boolean) => void
  onGo: (to: Start) => void
  /** What is new comes by itself. */
  isLive: boolean
}

export function LogToolbar(props: Props) {
  const { taskId, filter, onFilter, isWrapped, onWrap, isFollowed, onFollow, onGo, isLive } = props
  const { t } = useTranslation('tasks')
  const download = useChange(() => downloadLarge(`${TASK.replace('{id}', taskId)}/logs/download`))
  return (
    <Flex gap="small" wrap align="center">
      <SearchBox
        value={filter.q ?? ''}
        placeholder={t('log.search')}
        onSearch={(q) => onFilter({ ...filter, q: q || undefined })}
      />
      <LevelSelect value={filter.level} onChange={(level) => onFilter({ ...filter, level })} />
      <Select<Stream | 'all'>
        aria-label={t('log.stream')}
        style={{ width: 124 }}
        value={filter.stream ?? 'all'}
        options={[
          { value: 'all', label: t('log.anyStream') },
          ...STREAMS.map((value) => ({ value, label: t(`log.streamName.${value}`) })),
        ]}
        onChange={(stream) => onFilter({ ...filter, stream: stream === 'all' ? undefined : stream })}
      />
      <Checkbox checked={isWrapped} onChange={({ target }) => onWrap(target.checked)}>
        {t('log.wrap')}
      </Checkbox>
      {isFollowed !== null && (
        <Checkbox checked={isFollowed} onChange={({ target }) => onFollow(target.checked)}>
          {t('log.follow')}
        </Checkbox>
      )}
      <Flex gap={4}>
        <Button
          icon={<VerticalAlignTopOutlined />}
          aria-label={t('log.toStart')}
          title={t('log.toStart')}
          onClick={() => onGo('start')}
        />
        <Button
          icon={<VerticalAlignBottomOutlined />}
          aria-label={t('log.toEnd')}
          title={t('log.toEnd')}
          onClick={() => onGo('end')}
        />
        <Button
          icon={<DownloadOutlined />}
          aria-label={t('log.download')}
          title={t('log.download')}
          loading={download.isPending}
          onClick={() => download.mutate(undefined)}
        />
      </Flex>
      {isLive && <Tag color="processing">{t('log.live')}</Tag>}
    </Flex>
  )
}
