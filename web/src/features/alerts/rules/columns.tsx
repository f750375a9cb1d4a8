import { DeleteOutlined, EditOutlined } from '@ant-design/icons'
import { Button, Flex, Tooltip, Typography, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, type Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { ConfirmButton } from '../../../ui/ConfirmButton'
import { TimeText } from '../../../ui/TimeText'
import { useMay } from '../../session/profile'
import { RULES_PATH } from '../addresses'
import { useChannels } from '../channels/useChannels'
import { EnabledSwitch } from '../EnabledSwitch'
import { SpiderLink } from '../SpiderLink'
import { ConditionText } from './ConditionText'

type Rule = Schemas['Rule']

export function useRuleColumns(onEdit: (rule: Rule) => void): TableColumnsType<Rule> {
  const { t } = useTranslation('alerts')
  const { t: c } = useTranslation()
  const isEditor = useMay('editor')
  const channels = new Map(useChannels().map(({ id, name }) => [id, name]))
  const columns: TableColumnsType<Rule> = [
    { title: c('word.name'), render: (_, { name }) => <bdi>{name}</bdi> },
    {
      title: t('rules.looksFor'),
      render: (_, rule) => (
        <Flex vertical style={{ maxWidth: 300, whiteSpace: 'normal' }}>
          <span>{t(`type.${rule.rule_type}`)}</span>
          <Typography.Text type="secondary">
            <ConditionText rule={rule} />
          </Typography.Text>
        </Flex>
      ),
    },
    {
      title: t('rules.scope'),
      render: (_, { spider_id }) => (spider_id ? <SpiderLink id={spider_id} /> : t('rules.allSpiders')),
    },
    {
      title: t('rules.channel'),
      render: (_, { notification_channel_id: id }) =>
        id ? (
          <bdi>{channels.get(id) ?? id.slice(-8)}</bdi>
        ) : (
          <Typography.Text type="secondary">{t('rules.noChannel')}</Typography.Text>
        ),
    },
    {
      title: t('rules.lastTriggered'),
      render: (_, { last_triggered_at: at, cooldown_minutes: minutes }) => (
        <Flex vertical>
          <span>{at ? <TimeText at={at} isRelative /> : c('time.never')}</span>
          <Typography.Text type="secondary">
            {t('rules.cooldown')}: {minutes} {t('unit.minutes')}
          </Typography.Text>
        </Flex>
      ),
    },
    {
      title: c('word.status'),
      render: (_, { id, name, is_enabled }) => (
        <EnabledSwitch
          isEnabled={is_enabled}
          label={t('rules.toggle', { name })}
          refreshes={[RULES_PATH]}
          onSwitch={(to) => api.PUT(`${RULES_PATH}/{id}`, { params: { path: { id } }, body: { is_enabled: to } })}
        />
      ),
    },
  ]
  if (!isEditor) return columns
  return [
    ...columns,
    {
      title: c('word.actions'),
      render: (_, rule) => (
        <Flex gap="small">
          <Tooltip title={c('action.edit')}>
            <Button size="small" icon={<EditOutlined />} aria-label={c('action.edit')} onClick={() => onEdit(rule)} />
          </Tooltip>
          <DeleteRule rule={rule} />
        </Flex>
      ),
    },
  ]
}

function DeleteRule({ rule: { id, name } }: { rule: Rule }) {
  const { t } = useTranslation('alerts')
  const { t: c } = useTranslation()
  const remove = useChange(() => api.DELETE(`${RULES_PATH}/{id}`, { params: { path: { id } } }), {
    refreshes: [RULES_PATH],
    done: c('said.deleted'),
  })
  return (
    <ConfirmButton
      size="small"
      icon={<DeleteOutlined />}
      question={t('rules.deleteOne', { name })}
      consequence={t('rules.deleteHint')}
      loading={remove.isPending}
      aria-label={c('action.delete')}
      onConfirm={() => remove.mutateAsync(undefined)}
    />
  )
}
