import { Button, Flex, Tag } from 'antd'
import { useTranslation } from 'react-i18next'

import { narrowed, type ViewProps } from '../search'
import { fieldOf, readFilter, signOf } from './filter'
import { readSort } from './path'

/** The conditions and the order that are in force, each to be taken away. */
export function Conditions({ search: { filter = [], sort, q }, onSearch }: ViewProps) {
  const { t } = useTranslation('data')
  if (filter.length === 0 && sort === undefined) return null
  const keep = (kept: string[]) => onSearch(narrowed({ filter: kept.length > 0 ? kept : undefined }))
  return (
    <Flex gap="small" wrap align="center">
      {filter.map((text, place) => (
        <Tag
          key={text}
          color="blue"
          closable={{ 'aria-label': t('filter.remove', { text }) }}
          onClose={(event) => {
            event.preventDefault()
            keep(filter.filter((_, other) => other !== place))
          }}
        >
          <ConditionText text={text} />
        </Tag>
      ))}
      {sort !== undefined && <SortTag sort={sort} onClose={() => onSearch(narrowed({ sort: undefined }))} />}
      {filter.length + (q ? 1 : 0) > 1 && (
        <Button size="small" type="link" onClick={() => onSearch(narrowed({ filter: undefined, q: undefined }))}>
          {t('items.clear')}
        </Button>
      )}
    </Flex>
  )
}

function ConditionText({ text }: { text: string }) {
  const { t } = useTranslation('data')
  const filter = readFilter(text)
  if (!filter) return <bdi>{text}</bdi>
  const { operator, value } = filter
  return (
    <>
      <bdi>{fieldOf(filter)}</bdi>{' '}
      {operator === 'exists' ? (
        t(value === 'true' ? 'filter.filled' : 'filter.missing')
      ) : (
        <>
          {signOf(operator) ?? t(`filter.${operator}`)} <bdi>{value}</bdi>
        </>
      )}
    </>
  )
}

function SortTag({ sort, onClose }: { sort: string; onClose: () => void }) {
  const { t } = useTranslation('data')
  const { name, isDescending } = readSort(sort)
  return (
    <Tag
      closable={{ 'aria-label': t('items.unsort') }}
      onClose={(event) => {
        event.preventDefault()
        onClose()
      }}
    >
      {t(isDescending ? 'items.descending' : 'items.ascending')} <bdi>{name}</bdi>
    </Tag>
  )
}
