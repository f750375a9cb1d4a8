import { Flex, Tag, Typography } from 'antd'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'

import { cellText } from '../items/value'
import { diffFields, type FieldDiff } from './diff'

const COLORS = { added: 'success', removed: 'error', changed: 'processing' }

/** What differs between two contents, field by field. */
export function DiffList({ before, after }: { before: unknown; after: unknown }) {
  const { t } = useTranslation('data')
  const found = useMemo(() => diffFields(before, after), [before, after])
  if (found.length === 0) return <Typography.Text type="secondary">{t('changes.noDiff')}</Typography.Text>
  return (
    <Flex vertical gap={4} component="ul" style={{ listStyle: 'none', margin: 0, padding: 0 }}>
      {found.map((diff) => (
        <li key={diff.path} style={{ overflowWrap: 'anywhere' }}>
          <Tag color={COLORS[diff.kind]}>{t(`changes.diff.${diff.kind}`)}</Tag>
          <Typography.Text strong>
            <bdi>{diff.path}</bdi>
          </Typography.Text>{' '}
          <Values diff={diff} />
        </li>
      ))}
    </Flex>
  )
}

function Values({ diff: { kind, before, after } }: { diff: FieldDiff }) {
  return (
    <>
      {kind !== 'added' && (
        <Typography.Text type="secondary" delete>
          <bdi>{cellText(before)}</bdi>
        </Typography.Text>
      )}
      {kind === 'changed' && ' → '}
      {kind !== 'removed' && <bdi>{cellText(after)}</bdi>}
    </>
  )
}
