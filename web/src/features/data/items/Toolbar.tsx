import { DownloadOutlined, FilterOutlined } from '@ant-design/icons'
import { Button, Flex } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { onDemand } from '../../../ui/onDemand'
import { SearchBox } from '../../../ui/SearchBox'
import { useMay } from '../../session/profile'
import { TestChoice } from '../TestChoice'
import { narrowed, type ViewProps } from '../search'
import type { Field, ItemPage } from '../types'
import { ColumnsButton } from './ColumnsButton'
import { DeleteItems } from './DeleteItems'

const ConditionDialog = onDemand(() => import('./ConditionDialog').then((found) => found.ConditionDialog))
const ExportDrawer = onDemand(() => import('../export/ExportDrawer').then((found) => found.ExportDrawer))

interface Props extends ViewProps {
  fields: Field[]
  columns: string[]
  onColumns: (names: string[]) => void
  /** Undefined while it is being looked for. */
  found: ItemPage | undefined
}

/** Which items are shown, how, and what is done with them. */
export function Toolbar({ search, onSearch, fields, columns, onColumns, found }: Props) {
  const { t } = useTranslation('data')
  const [isAsking, setIsAsking] = useState(false)
  const [isExporting, setIsExporting] = useState(false)
  const isEditor = useMay('editor')
  const narrow = (change: ViewProps['search']) => onSearch(narrowed(change))
  const add = (filter: string) => narrow({ filter: [...(search.filter ?? []), filter] })
  return (
    <Flex gap="small" wrap>
      <TestChoice search={search} onSearch={onSearch} />
      <SearchBox
        value={search.q ?? ''}
        onSearch={(text) => narrow({ q: text.trim() || undefined })}
        placeholder={t('items.search')}
      />
      <Button icon={<FilterOutlined />} onClick={() => setIsAsking(true)}>
        {t('filter.add')}
      </Button>
      <ColumnsButton fields={fields} columns={columns} onColumns={onColumns} />
      <Flex gap="small" wrap style={{ marginInlineStart: 'auto' }}>
        <Button icon={<DownloadOutlined />} onClick={() => setIsExporting(true)}>
          {t('export.open')}
        </Button>
        {isEditor && (search.spider_id ?? search.task_id) !== undefined && (
          <DeleteItems search={search} found={found} />
        )}
      </Flex>
      <ConditionDialog isOpen={isAsking} onClose={() => setIsAsking(false)} fields={fields} onAdd={add} />
      <ExportDrawer
        isOpen={isExporting}
        onClose={() => setIsExporting(false)}
        search={search}
        fields={fields}
        columns={columns}
        found={found}
      />
    </Flex>
  )
}
