import { Form, Input, InputNumber, Select, Switch } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, type Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { FormDialog } from '../../../ui/FormDialog'
import { SpiderSelect } from '../../../ui/SpiderSelect'
import { RULES_PATH } from '../addresses'
import { FieldsForm } from '../fields/FieldsForm'
import { toSent, toShown, type Values } from '../fields/field'
import { ChannelChoice } from './ChannelChoice'
import { LONGEST_COOLDOWN, RULE_TYPES, RULES, type RuleType } from './kinds'

interface Fields {
  name: string
  rule_type: RuleType
  condition?: Values
  spider_id?: string | null
  notification_channel_id?: string | null
  cooldown_minutes: number
  is_enabled: boolean
}

interface Props {
  /** Null: a new one. */
  rule: Schemas['Rule'] | null
  isOpen: boolean
  onClose: () => void
}

export function RuleDialog({ rule, isOpen, onClose }: Props) {
  const { t } = useTranslation('alerts')
  const { t: c } = useTranslation()
  const save = useChange(
    ({ condition = {}, ...fields }: Fields) => {
      const body = {
        ...fields,
        condition: toSent(RULES[fields.rule_type].fields, condition),
        // What was emptied is no choice; null says so.
        spider_id: fields.spider_id ?? null,
        notification_channel_id: fields.notification_channel_id ?? null,
      }
      return rule
        ? api.PUT(`${RULES_PATH}/{id}`, { params: { path: { id: rule.id } }, body })
        : api.POST(RULES_PATH, { body })
    },
    { refreshes: [RULES_PATH], isQuiet: true, done: c('said.saved') },
  )
  const initial: Fields = rule
    ? {
        name: rule.name,
        rule_type: rule.rule_type,
        condition: toShown(RULES[rule.rule_type].fields, rule.condition),
        spider_id: rule.spider_id,
        notification_channel_id: rule.notification_channel_id,
        cooldown_minutes: rule.cooldown_minutes,
        is_enabled: rule.is_enabled,
      }
    : { name: '', rule_type: 'task_failed', condition: {}, cooldown_minutes: 30, is_enabled: true }
  return (
    <FormDialog<Fields>
      title={t(rule ? 'rules.edit' : 'rules.create')}
      isOpen={isOpen}
      onClose={onClose}
      initial={initial}
      isStored={rule !== null}
      onSave={save.mutateAsync}
    >
      <Form.Item
        name="name"
        label={c('word.name')}
        rules={[{ required: true, whitespace: true, message: c('word.required') }]}
      >
        <Input maxLength={100} />
      </Form.Item>
      <Kind kept={initial.rule_type} />
      <Form.Item name="spider_id" label={t('rules.scope')}>
        <SpiderSelect placeholder={t('rules.allSpiders')} />
      </Form.Item>
      <Form.Item name="notification_channel_id" label={t('rules.channel')}>
        <ChannelChoice />
      </Form.Item>
      <Form.Item name="is_enabled" label={t('rules.isEnabled')} valuePropName="checked">
        <Switch />
      </Form.Item>
    </FormDialog>
  )
}

/** What the rule looks for, and all that depends on it. */
function Kind({ kept }: { kept: RuleType }) {
  const { t } = useTranslation('alerts')
  const { t: c } = useTranslation()
  const form = Form.useFormInstance<Fields>()
  const kind = (Form.useWatch('rule_type', form) as RuleType | undefined) ?? kept
  const { fields, leastCooldown: least } = RULES[kind]
  return (
    <>
      <Form.Item name="rule_type" label={t('rules.looksFor')} extra={t(`ruleHelp.${kind}`)}>
        <Select
          options={RULE_TYPES.map((value) => ({ value, label: t(`type.${value}`) }))}
          onChange={(next: RuleType) => form.setFieldValue('condition', toShown(RULES[next].fields, {}))}
        />
      </Form.Item>
      <FieldsForm fields={fields} at="condition" before={{}} />
      <Form.Item
        name="cooldown_minutes"
        label={t('rules.cooldown')}
        extra={least === 0 ? t('rules.cooldownAny') : t('rules.cooldownHelp', { least })}
        rules={[{ required: true, message: c('word.required') }]}
      >
        <InputNumber
          min={least}
          max={LONGEST_COOLDOWN}
          precision={0}
          suffix={t('unit.minutes')}
          style={{ width: 200 }}
        />
      </Form.Item>
    </>
  )
}
