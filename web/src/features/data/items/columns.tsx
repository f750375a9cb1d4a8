import { Flex, Tag, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import { SpiderLink } from '../../alerts/SpiderLink'
import { OpenButton } from '../OpenButton'
import type { DataSearch } from '../search'
import type { Item } from '../types'
import { readSort } from './path'
import { fieldOf } from './value'
import { ValueCell } from './ValueCell'
import styles from './items.module.css'

export function useItemColumns(
  names: string[],
  { spider_id, task_id, is_test, sort }: DataSearch,
  onOpen: (item: Item) => void,
): TableColumnsType<Item> {
  const { t } = useTranslation('data')
  const { t: c } = useTranslation()
  const sorted = sort === undefined ? null : readSort(sort)
  return [
    {
      title: t('items.at'),
      key: '',
      width: 190,
      render: (_, item) => (
        <Flex align="center">
          <OpenButton at={item.created_at} title={t('items.open')} onOpen={() => onOpen(item)} />
          {item.is_test && is_test === undefined && <Tag>{t('scope.test')}</Tag>}
        </Flex>
      ),
    },
    ...(spider_id === undefined && task_id === undefined
      ? [{ title: c('word.spider'), key: ' ', render: (_: unknown, item: Item) => <SpiderLink id={item.spider_id} /> }]
      : []),
    ...names.map((name) => ({
      title: (
        <bdi className={styles.title} title={name}>
          {name}
        </bdi>
      ),
      key: name,
      sorter: true,
      sortOrder: sorted?.name === name ? (sorted.isDescending ? ('descend' as const) : ('ascend' as const)) : null,
      showSorterTooltip: false,
      render: (_: unknown, { data }: Item) => <ValueCell value={fieldOf(data, name)} />,
    })),
  ]
}
