import { Button, Flex, Progress, Tag, Typography, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import { count } from '../../../ui/format'
import { missing } from '../items/filter'
import { ValueCell } from '../items/ValueCell'
import { percent } from '../percent'
import { narrowed, type ViewProps } from '../search'
import type { Field } from '../types'

export function useFieldColumns(onSearch: ViewProps['onSearch']): TableColumnsType<Field> {
  const { t } = useTranslation('data')
  const showMissing = (name: string) =>
    onSearch(narrowed({ view: undefined, filter: [missing(name)], q: undefined, sort: undefined }))
  return [
    {
      title: t('fields.name'),
      sorter: (one, other) => one.name.localeCompare(other.name),
      render: (_, { name }) => (
        <Typography.Text strong style={{ overflowWrap: 'anywhere' }}>
          <bdi>{name}</bdi>
        </Typography.Text>
      ),
    },
    { title: t('fields.types'), render: (_, { types }) => <Types types={types} /> },
    {
      title: t('fields.filled'),
      sorter: (one, other) => one.filled - other.filled,
      render: (_, { name, filled, count: times }) => (
        <Flex gap="small" align="center">
          <Progress
            percent={filled * 100}
            showInfo={false}
            size={[80, 6]}
            style={{ flex: 'none', width: 80 }}
            aria-label={`${t('fields.filled')} ${name}`}
          />
          <span>{percent(filled)}</span>
          <Typography.Text type="secondary">{count(times)}</Typography.Text>
          {filled < 1 && (
            <Button type="link" size="small" onClick={() => showMissing(name)}>
              {t('fields.showMissing')}
            </Button>
          )}
        </Flex>
      ),
    },
    { title: t('fields.sample'), render: (_, { sample }) => <ValueCell value={sample} /> },
  ]
}

/** The most frequent one first; how often only where there are several. */
function Types({ types }: { types: Field['types'] }) {
  const sorted = Object.entries(types).sort(([, one], [, other]) => other - one)
  return (
    <Flex gap={4} wrap>
      {sorted.map(([type, times]) => (
        <Tag key={type}>{sorted.length > 1 ? `${type} ${count(times)}` : type}</Tag>
      ))}
    </Flex>
  )
}
