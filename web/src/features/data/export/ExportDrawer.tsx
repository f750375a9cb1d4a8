import { DownloadOutlined } from '@ant-design/icons'
import { Button, Drawer, Flex, Form, Radio, Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { useChange } from '../../../api/useChange'
import { ErrorAlert } from '../../../ui/ErrorAlert'
import { count } from '../../../ui/format'
import { FieldsSelect } from '../FieldsSelect'
import { DATA, read } from '../read'
import { selection, type DataSearch } from '../search'
import type { Field, ItemPage } from '../types'
import { exportAddress, FORMATS, type Choice } from './address'
import { ExportOptions } from './ExportOptions'

interface Props {
  isOpen: boolean
  onClose: () => void
  search: DataSearch
  fields: Field[]
  /** Those that the table shows. */
  columns: string[]
  found: ItemPage | undefined
}

const DEFAULT: Choice = { format: 'csv', fields: [], rows: false, bom: true, safe: false, compress: false }

/** The items that are shown, as a file. The browser writes it to disk while it comes, however large it is. */
export function ExportDrawer({ isOpen, onClose, search, fields, columns, found }: Props) {
  const { t } = useTranslation('data')
  const { t: c } = useTranslation()
  const [choice, setChoice] = useState(DEFAULT)
  const change = (part: Partial<Choice>) => setChoice((before) => ({ ...before, ...part }))
  // A download that is refused is a broken file: what is wrong is found out before, and a session that ended renewed.
  const start = useChange(() => read(DATA, { ...selection(search), page_size: 1 }), {
    isQuiet: true,
    onSuccess: () => follow(exportAddress(search, choice)),
  })
  const total = found?.total
  // Names are sent by comma.
  const canBeChosen = (name: string) => !name.includes(',')
  return (
    <Drawer
      open={isOpen}
      onClose={onClose}
      size={480}
      title={t('export.title')}
      footer={
        <Flex justify="end" gap="small">
          <Button onClick={onClose}>{c('action.close')}</Button>
          <Button
            type="primary"
            icon={<DownloadOutlined />}
            loading={start.isPending}
            onClick={() => start.mutate(undefined)}
          >
            {c('action.download')}
          </Button>
        </Flex>
      }
    >
      <Form layout="vertical">
        {start.isError && (
          <Form.Item>
            <ErrorAlert error={start.error} />
          </Form.Item>
        )}
        <Typography.Paragraph>
          {t('export.which')}{' '}
          {typeof total === 'number' &&
            (found?.total_is_at_least
              ? t('items.atLeast', { total: count(total) })
              : c('word.total', { total: count(total) }))}
        </Typography.Paragraph>
        <Form.Item label={t('export.format')} extra={t(`export.about.${choice.format}`)}>
          <Radio.Group
            optionType="button"
            value={choice.format}
            options={FORMATS.map((value) => ({ value, label: t(`export.${value}`) }))}
            onChange={(event) => change({ format: event.target.value as Choice['format'] })}
          />
        </Form.Item>
        <Form.Item label={t('export.fields')} extra={t('export.fieldsHint')}>
          <FieldsSelect
            fields={fields.filter(({ name }) => canBeChosen(name))}
            value={choice.fields}
            placeholder={t('export.allFields')}
            onChange={(names) => change({ fields: names })}
          />
          <Button
            size="small"
            type="link"
            onClick={() => change({ fields: columns.filter(canBeChosen) })}
            style={{ paddingInline: 0 }}
          >
            {t('export.shownFields')}
          </Button>
        </Form.Item>
        <ExportOptions choice={choice} onChange={change} />
      </Form>
    </Drawer>
  )
}

/** As a click on a link does. */
function follow(address: string) {
  const link = document.createElement('a')
  link.href = address
  link.download = ''
  link.click()
}
