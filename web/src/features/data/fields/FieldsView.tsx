import { Alert, Flex, Table } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { EmptyState } from '../../../ui/EmptyState'
import { Loaded } from '../../../ui/Loaded'
import { pageItem } from '../../../ui/pageItem'
import { SearchBox } from '../../../ui/SearchBox'
import { TestChoice } from '../TestChoice'
import type { ViewProps } from '../search'
import type { Field } from '../types'
import { useFieldColumns } from './columns'
import { useFields } from './useFields'

/** What fields the items have. */
export function FieldsView({ search, onSearch }: ViewProps) {
  const { t } = useTranslation('data')
  const { spider_id, task_id, is_test } = search
  const query = useFields({ spider_id, task_id, is_test })
  const columns = useFieldColumns(onSearch)
  const [text, setText] = useState('')
  return (
    <Flex vertical gap="small">
      <Flex gap="small" wrap>
        <TestChoice search={search} onSearch={onSearch} />
        <SearchBox value={text} onSearch={setText} placeholder={t('fields.search')} />
      </Flex>
      <Loaded query={query}>
        {({ fields, note }) => (
          <>
            {note && <Alert type="warning" showIcon title={note} />}
            <Table<Field>
              rowKey="name"
              size="small"
              columns={columns}
              dataSource={fields.filter(({ name }) => name.toLowerCase().includes(text.trim().toLowerCase()))}
              loading={query.isPlaceholderData}
              scroll={fields.length > 0 ? { x: 'max-content' } : undefined}
              pagination={{
                defaultPageSize: 50,
                showSizeChanger: true,
                hideOnSinglePage: fields.length <= 50,
                itemRender: pageItem,
              }}
              locale={{
                emptyText:
                  fields.length > 0 ? (
                    <EmptyState title={t('fields.noneLike')} />
                  ) : (
                    <EmptyState title={t('fields.none')} hint={t('fields.noneHint')} />
                  ),
              }}
            />
          </>
        )}
      </Loaded>
    </Flex>
  )
}
