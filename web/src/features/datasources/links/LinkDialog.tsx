import { useQuery } from '@tanstack/react-query'
import { Link as RouterLink } from '@tanstack/react-router'
import { Checkbox, Form, Input, Select } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, get, type Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { FormDialog } from '../../../ui/FormDialog'
import { DATASOURCES, LINK, LINKS } from '../addresses'
import { KINDS } from '../kinds'

interface Props {
  spiderId: string
  /** Null: a new one. */
  link: Schemas['Link'] | null
  isOpen: boolean
  onClose: () => void
}

type Fields = Schemas['NewLink']

export function LinkDialog({ spiderId, link, isOpen, onClose }: Props) {
  const { t } = useTranslation('datasources')
  const { t: c } = useTranslation()
  const path = { id: spiderId }
  const save = useChange(
    ({ datasource_id, target_table, create_table, backfill }: Fields) =>
      link
        ? api.PUT(LINK, { params: { path: { ...path, link: link.id } }, body: { target_table, create_table } })
        : api.POST(LINKS, {
            params: { path },
            body: { datasource_id, target_table, create_table, backfill, is_enabled: true },
          }),
    { refreshes: [LINKS], isQuiet: true, done: c('said.saved') },
  )
  const initial: Partial<Fields> = link
    ? { datasource_id: link.datasource_id, target_table: link.target_table, create_table: link.create_table }
    : { create_table: true, backfill: false }
  const required = { required: true, message: c('word.required') }
  return (
    <FormDialog<Fields>
      title={t(link ? 'links.edit' : 'links.add')}
      isOpen={isOpen}
      onClose={onClose}
      initial={initial}
      isStored={link !== null}
      onSave={save.mutateAsync}
    >
      <Form.Item
        name="datasource_id"
        label={t('links.source')}
        rules={[required]}
        extra={!link && <RouterLink to="/datasources">{t('links.sources')}</RouterLink>}
      >
        <SourceSelect isFixed={link !== null} />
      </Form.Item>
      <Form.Item name="target_table" label={t('links.table')} extra={t('links.tableHint')} rules={[required]}>
        <Input maxLength={255} autoComplete="off" />
      </Form.Item>
      <Form.Item name="create_table" valuePropName="checked" extra={t('links.createTableHint')}>
        <Checkbox>{t('links.createTable')}</Checkbox>
      </Form.Item>
      {!link && (
        <Form.Item name="backfill" valuePropName="checked" extra={t('links.backfillHint')}>
          <Checkbox>{t('links.backfill')}</Checkbox>
        </Form.Item>
      )}
    </FormDialog>
  )
}

interface SelectProps {
  isFixed: boolean
  /** By the form. */
  id?: string
  value?: string
  onChange?: (id: string) => void
}

function SourceSelect({ isFixed, ...field }: SelectProps) {
  const { t } = useTranslation('datasources')
  const found = useQuery(get(DATASOURCES, { params: { query: { page_size: 100 } } }))
  const sources = found.data?.items ?? []
  return (
    <Select<string>
      {...field}
      disabled={isFixed}
      loading={found.isPending}
      showSearch={{ optionFilterProp: 'title' }}
      notFoundContent={found.isPending ? null : t('empty')}
      options={sources.map(({ id, name, type }) => ({
        value: id,
        title: name,
        label: (
          <>
            <bdi>{name}</bdi> · {KINDS[type].name}
          </>
        ),
      }))}
    />
  )
}
