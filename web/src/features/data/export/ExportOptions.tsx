import { Checkbox, Form } from 'antd'
import { useTranslation } from 'react-i18next'

import { TAKES, type Choice } from './address'

interface Props {
  choice: Choice
  onChange: (part: Partial<Choice>) => void
}

/** What the chosen format can be asked for. */
export function ExportOptions({ choice, onChange }: Props) {
  const { t } = useTranslation('data')
  return (['bom', 'safe', 'rows', 'compress'] as const)
    .filter((option) => TAKES[choice.format][option])
    .map((option) => (
      <Form.Item key={option} extra={t(`export.${option}Hint`)} style={{ marginBottom: 12 }}>
        <Checkbox checked={choice[option]} onChange={(event) => onChange({ [option]: event.target.checked })}>
          {t(`export.${option}`)}
        </Checkbox>
      </Form.Item>
    ))
}
