import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../../api/client'
import { count } from '../../../ui/format'
import { toShown } from '../fields/field'
import { RULES } from './kinds'

/** What a rule compares with, in words: "Failure rate: 50 % · Within the last: 30 min". */
export function ConditionText({ rule }: { rule: Schemas['Rule'] }) {
  const { t } = useTranslation('alerts')
  const { fields } = RULES[rule.rule_type]
  const shown = toShown(fields, rule.condition)
  const parts = fields.map(({ name, label, unit }) =>
    `${t(`field.${label}`)}: ${count(Number(shown[name]))} ${t(`unit.${unit}`)}`.trimEnd(),
  )
  return parts.length > 0 ? parts.join(' · ') : t('rules.always')
}
