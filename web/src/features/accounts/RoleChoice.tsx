import { Flex, Radio, Typography, type RadioGroupProps } from 'antd'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../api/client'

const ROLES: Schemas['Role'][] = ['viewer', 'editor', 'admin']

interface Props extends Pick<RadioGroupProps, 'id' | 'value' | 'onChange' | 'disabled'> {
  /** The highest that may be chosen. */
  most?: Schemas['Role']
}

/** What somebody may do, with what that means; `Form.Item` gives it its value. */
export function RoleChoice({ most = 'admin', ...group }: Props) {
  const { t } = useTranslation('accounts')
  const { t: c } = useTranslation()
  return (
    <Radio.Group {...group}>
      <Flex vertical gap={4}>
        {ROLES.slice(0, ROLES.indexOf(most) + 1).map((role) => (
          <Radio key={role} value={role}>
            {c(`role.${role}`)}
            <Typography.Text type="secondary"> · {t(`users.roleHint.${role}`)}</Typography.Text>
          </Radio>
        ))}
      </Flex>
    </Radio.Group>
  )
}
