import { DeleteOutlined, EditOutlined, RedoOutlined } from '@ant-design/icons'
import { Button, Flex } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, type Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { ConfirmButton } from '../../../ui/ConfirmButton'
import { EnabledSwitch } from '../../alerts/EnabledSwitch'
import { LINK, LINKS } from '../addresses'

interface Props {
  link: Schemas['Link']
  onEdit: () => void
}

export function LinkActions({ link, onEdit }: Props) {
  const { t } = useTranslation('datasources')
  const { t: c } = useTranslation()
  const { datasource_name: source, target_table: table } = link
  const params = { path: { id: link.spider_id, link: link.id } }
  const refreshes = [LINKS]
  const retry = useChange(() => api.POST(`${LINK}/retry`, { params }), { refreshes, done: t('links.retried') })
  const remove = useChange(() => api.DELETE(LINK, { params }), { refreshes, done: c('said.deleted') })
  return (
    <Flex gap="small" align="center" wrap>
      <EnabledSwitch
        isEnabled={link.is_enabled}
        label={t('links.toggle', { source, table })}
        refreshes={refreshes}
        onSwitch={(to) => api.PUT(LINK, { params, body: { is_enabled: to } })}
      />
      {(link.refused > 0 || link.last_error) && (
        <Button size="small" icon={<RedoOutlined />} loading={retry.isPending} onClick={() => retry.mutate(undefined)}>
          {t('links.retry')}
        </Button>
      )}
      <Button size="small" icon={<EditOutlined />} onClick={onEdit}>
        {c('action.edit')}
      </Button>
      <ConfirmButton
        size="small"
        icon={<DeleteOutlined />}
        question={t('links.removeOne', { source, table })}
        consequence={t('links.removeHint')}
        loading={remove.isPending}
        onConfirm={() => remove.mutateAsync(undefined)}
      >
        {c('action.delete')}
      </ConfirmButton>
    </Flex>
  )
}
