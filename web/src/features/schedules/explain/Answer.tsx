import { Alert, Button, Flex } from 'antd'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../../api/client'
import { time } from '../../../ui/format'
import { OutcomeTag } from '../ledger/OutcomeTag'
import { Sentence } from '../ledger/Sentence'

interface Props {
  /** `said`: its sentence, in the reader's language. */
  answer: Schemas['Explanation'] & { said: string }
  zone: string
  onAsk: (at: string) => void
}

export function Answer({ answer, zone, onAsk }: Props) {
  const { t } = useTranslation('schedules')
  const { said, at, fire, planned_before: before, planned_after: after } = answer
  const around = [
    { label: t('explain.before'), planned: before },
    { label: t('explain.after'), planned: after },
  ]
  return (
    <Alert
      type={fire && fire.outcome !== 'fired' ? 'warning' : 'info'}
      showIcon
      title={
        <Flex gap="small" wrap align="center">
          {time(at, zone)} {fire && <OutcomeTag outcome={fire.outcome} />}
        </Flex>
      }
      description={
        <Flex vertical gap="small" align="start">
          <span style={{ overflowWrap: 'anywhere' }}>
            <Sentence text={said} zone={zone} />
          </span>
          <Flex gap="small" wrap>
            {around.map(
              ({ label, planned }) =>
                planned && (
                  <Button key={label} size="small" onClick={() => onAsk(planned)}>
                    {label}: {time(planned, zone)}
                  </Button>
                ),
            )}
          </Flex>
        </Flex>
      }
    />
  )
}
