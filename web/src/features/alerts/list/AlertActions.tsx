import { CheckOutlined, DeleteOutlined } from '@ant-design/icons'
import { Button, Flex, Tooltip } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, type Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { ConfirmButton } from '../../../ui/ConfirmButton'
import { ALERTS } from '../addresses'

export function AlertActions({ alert }: { alert: Schemas['Alert'] }) {
  const { t } = useTranslation('alerts')
  const { t: c } = useTranslation()
  const params = { path: { id: alert.id } }
  // The number beside the bell is below the same address.
  const refreshes = [ALERTS]
  const read = useChange(() => api.POST(`${ALERTS}/{id}/read`, { params }), { refreshes })
  const remove = useChange(() => api.DELETE(`${ALERTS}/{id}`, { params }), { refreshes, done: c('said.deleted') })
  return (
    <Flex gap="small" justify="end" wrap>
      {!alert.is_read && (
        <Tooltip title={t('list.markRead')}>
          <Button
            icon={<CheckOutlined />}
            size="small"
            aria-label={t('list.markRead')}
            loading={read.isPending}
            onClick={() => read.mutate(undefined)}
          />
        </Tooltip>
      )}
      <ConfirmButton
        icon={<DeleteOutlined />}
        size="small"
        aria-label={c('action.delete')}
        question={t('list.deleteOne')}
        consequence={alert.message}
        loading={remove.isPending}
        onConfirm={() => remove.mutateAsync(undefined)}
      />
    </Flex>
  )
}
