import { Link } from '@tanstack/react-router'
import { Flex, Select, type SelectProps } from 'antd'
import { useTranslation } from 'react-i18next'

import { useChannels } from '../channels/useChannels'

type Props = Pick<SelectProps<string>, 'id' | 'value' | 'onChange'>

/** Whom a rule tells; `Form.Item` gives it its value. */
export function ChannelChoice(props: Props) {
  const { t } = useTranslation('alerts')
  const channels = useChannels()
  return (
    <Flex vertical gap={4}>
      <Select<string>
        {...props}
        allowClear
        placeholder={t('rules.noChannel')}
        options={channels.map(({ id, name, is_enabled }) => ({
          value: id,
          label: <bdi>{is_enabled ? name : t('rules.channelOff', { name })}</bdi>,
        }))}
        notFoundContent={t('rules.noChannelYet')}
      />
      {channels.length === 0 && (
        <Link to="/alerts" search={{ view: 'channels' }}>
          {t('rules.addChannel')}
        </Link>
      )}
    </Flex>
  )
}
