import { useQuery } from '@tanstack/react-query'
import { Flex, Tag, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { CodeDiff } from '../../ui/CodeEditor'
import { bytes } from '../../ui/format'
import { Loaded } from '../../ui/Loaded'
import type { Side } from './address'
import { textOf } from './content'
import type { FileChange } from './sides'

const COLORS = { added: 'success', removed: 'error', changed: 'processing' }

export function FileChangeTitle({ change: { path, kind, before, after } }: { change: FileChange }) {
  const { t } = useTranslation('versions')
  const sizes = [before, after].flatMap((file) => (file ? [bytes(file.size)] : []))
  return (
    <Flex gap="small" align="center" wrap>
      <Tag color={COLORS[kind]}>{t(`kind.${kind}`)}</Tag>
      <bdi style={{ overflowWrap: 'anywhere' }}>{path}</bdi>
      <Typography.Text type="secondary">{[...new Set(sizes)].join(' → ')}</Typography.Text>
      {before && after && before.executable !== after.executable && (
        <Tag>{t(after.executable ? 'nowExecutable' : 'notExecutable')}</Tag>
      )}
    </Flex>
  )
}

interface Props {
  spiderId: string
  from: Side
  to: Side
  change: FileChange
}

/** One file on both sides. */
export function FileDiff({ spiderId, from, to, change: { path, before, after } }: Props) {
  const { t } = useTranslation('versions')
  const left = useQuery(textOf(spiderId, from, before))
  const right = useQuery(textOf(spiderId, to, after))
  if (before?.hash === after?.hash) return <Typography.Text type="secondary">{t('sameContent')}</Typography.Text>
  return (
    <Loaded query={left}>
      {(old) => (
        <Loaded query={right}>
          {(now) =>
            old === null || now === null ? (
              <Typography.Text type="secondary">{t('binary')}</Typography.Text>
            ) : (
              <CodeDiff path={path} before={old} after={now} height={heightOf(old, now)} />
            )
          }
        </Loaded>
      )}
    </Loaded>
  )
}

/** As much as there is, within limits. */
function heightOf(...texts: string[]): number {
  const lines = Math.max(...texts.map((text) => text.split('\n').length))
  return Math.min(Math.max(lines * 19 + 24, 80), 480)
}
