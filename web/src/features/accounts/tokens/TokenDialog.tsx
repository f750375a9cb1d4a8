import { DatePicker, Form, Input } from 'antd'
import dayjs, { type Dayjs } from 'dayjs'
import { useTranslation } from 'react-i18next'

import { api, dataOf, type Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { FormDialog } from '../../../ui/FormDialog'
import { useProfile } from '../../session/profile'
import { RoleChoice } from '../RoleChoice'

interface Fields {
  name: string
  role: Schemas['Role']
  expires_at?: Dayjs | null
}

interface Props {
  isOpen: boolean
  onClose: () => void
  /** With the token itself, which is not answered again. */
  onCreated: (created: Schemas['CreatedToken']) => void
}

const DAYS = [7, 30, 90, 365]

export function TokenDialog({ isOpen, onClose, onCreated }: Props) {
  const { t } = useTranslation('accounts')
  const { t: c } = useTranslation()
  const most = useProfile()?.role ?? 'viewer'
  const create = useChange(
    ({ name, role, expires_at }: Fields) =>
      dataOf(api.POST('/platform/api/tokens', { body: { name, role, expires_at: expires_at?.toISOString() } })),
    { refreshes: ['/platform/api/tokens'], isQuiet: true, onSuccess: onCreated },
  )
  return (
    <FormDialog<Fields>
      title={t('tokens.create')}
      isOpen={isOpen}
      onClose={onClose}
      initial={{ role: most }}
      onSave={create.mutateAsync}
      saveText={t('tokens.create')}
    >
      <Form.Item
        name="name"
        label={c('word.name')}
        extra={t('tokens.nameHint')}
        rules={[{ required: true, whitespace: true, message: c('word.required') }]}
      >
        <Input maxLength={100} autoComplete="off" />
      </Form.Item>
      <Form.Item name="role" label={t('users.role')} extra={t('tokens.roleHint')}>
        <RoleChoice most={most} />
      </Form.Item>
      <Form.Item name="expires_at" label={t('tokens.expires')} extra={t('tokens.expiresHint')}>
        <DatePicker
          showTime={{ format: 'HH:mm' }}
          format="YYYY-MM-DD HH:mm"
          placeholder={t('tokens.never')}
          minDate={dayjs()}
          presets={DAYS.map((count) => ({ label: t('tokens.days', { count }), value: dayjs().add(count, 'day') }))}
          style={{ width: 220 }}
        />
      </Form.Item>
    </FormDialog>
  )
}
