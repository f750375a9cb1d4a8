import { Button, Flex, Pagination, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { count } from '../../../ui/format'
import { pageItem } from '../../../ui/pageItem'
import type { ViewProps } from '../search'
import type { ItemPage } from '../types'
import { reachOf } from './reach'

/** To other pages: by number as far as those go, and by the cursor behind them. */
export function Pager({ found, search, onSearch }: ViewProps & { found: ItemPage }) {
  const { t } = useTranslation('data')
  const { t: c } = useTranslation()
  const { next_cursor: cursor, page, page_size, total } = found
  const goOn = () => onSearch({ cursor: cursor ?? undefined, page: undefined })
  if (search.cursor !== undefined) {
    return (
      <Flex justify="end" gap="small" wrap>
        <Button onClick={() => onSearch({ cursor: undefined, page: undefined })}>{t('items.firstPage')}</Button>
        <Button disabled={!cursor} onClick={goOn}>
          {t('items.goOn')}
        </Button>
      </Flex>
    )
  }
  const known = total ?? 0
  if (known === 0) return null
  const { numbered, isLast } = reachOf(found, search.sort !== undefined)
  const told = found.total_is_at_least
    ? t('items.atLeast', { total: count(known) })
    : c('word.total', { total: count(known) })
  return (
    <Flex justify="end" align="center" gap="small" wrap>
      <Typography.Text>{told}</Typography.Text>
      <Pagination
        current={page}
        pageSize={page_size}
        total={numbered}
        showSizeChanger
        pageSizeOptions={[10, 20, 50, 100]}
        itemRender={pageItem}
        onChange={(page, page_size) => onSearch({ page, page_size })}
      />
      {isLast && cursor && <Button onClick={goOn}>{t('items.goOn')}</Button>}
    </Flex>
  )
}
