import { TableOutlined } from '@ant-design/icons'
import { Button, Flex, Popover, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { FieldsSelect } from '../FieldsSelect'
import type { Field } from '../types'

interface Props {
  fields: Field[]
  columns: string[]
  onColumns: (names: string[]) => void
}

/** Which fields are columns. */
export function ColumnsButton({ fields, columns, onColumns }: Props) {
  const { t } = useTranslation('data')
  const chooser = (
    <Flex vertical gap="small" style={{ width: 'min(420px, 80vw)' }}>
      <Typography.Text type="secondary">{t('items.columnsHint')}</Typography.Text>
      <FieldsSelect fields={fields} value={columns} onChange={onColumns} />
      <div>
        <Button size="small" onClick={() => onColumns([])}>
          {t('items.defaultColumns')}
        </Button>
      </div>
    </Flex>
  )
  return (
    <Popover trigger="click" placement="bottomRight" title={t('items.columns')} content={chooser}>
      <Button icon={<TableOutlined />} disabled={fields.length === 0}>
        {`${t('items.columns')} ${columns.length}/${fields.length}`}
      </Button>
    </Popover>
  )
}
