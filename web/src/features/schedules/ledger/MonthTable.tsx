import { useTranslation } from 'react-i18next'

import { count } from '../../../ui/format'
import type { Outcome } from '../addresses'
import type { Counts } from './counting'
import { weeksOf } from './month'
import { iconOf } from './OutcomeTag'
import { OUTCOMES } from './outcomes'
import styles from './MonthTable.module.css'

interface Props {
  month: string
  today: string
  counts: Counts | undefined
  chosen: string | undefined
  onChoose: (day: string) => void
}

/** A month, with what became of each day's planned times. */
export function MonthTable({ month, today, counts, chosen, onChoose }: Props) {
  const { i18n } = useTranslation('schedules')
  const weekday = (style: 'short' | 'long', day: number) =>
    // 5 January 1970 was a Monday.
    new Intl.DateTimeFormat(i18n.language, { weekday: style, timeZone: 'UTC' }).format(Date.UTC(1970, 0, 5 + day))
  return (
    <table className={styles.month}>
      <thead>
        <tr>
          {[0, 1, 2, 3, 4, 5, 6].map((day) => (
            <th key={day} scope="col" abbr={weekday('long', day)}>
              {weekday('short', day)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {weeksOf(month).map((week, index) => (
          <tr key={index}>
            {week.map((day, place) => (
              <td key={day ?? place}>
                {day && (
                  <Day
                    day={day}
                    counts={counts?.get(day) ?? {}}
                    isToday={day === today}
                    isChosen={day === chosen}
                    isToCome={day > today}
                    onChoose={() => onChoose(day)}
                  />
                )}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

interface DayProps {
  day: string
  counts: Partial<Record<Outcome, number>>
  isToday: boolean
  isChosen: boolean
  isToCome: boolean
  onChoose: () => void
}

function Day({ day, counts, isToday, isChosen, isToCome, onChoose }: DayProps) {
  const { t } = useTranslation('schedules')
  const found = OUTCOMES.filter((outcome) => counts[outcome])
  const said = found.map((outcome) =>
    t('ledger.outcomeCount', { outcome: t(`outcome.${outcome}`), count: count(counts[outcome]!) }),
  )
  return (
    <button
      type="button"
      className={`${styles.day} ${isChosen ? styles.chosen : ''} ${isToday ? styles.today : ''}`}
      aria-label={t('ledger.dayLabel', { day, counts: said.join(t('cron.comma')) || t('ledger.nothing') })}
      aria-pressed={isChosen}
      aria-current={isToday ? 'date' : undefined}
      disabled={isToCome}
      onClick={onChoose}
    >
      <span className={styles.number}>{Number(day.slice(8))}</span>
      {found.map((outcome) => (
        <span key={outcome} className={`${styles.count} ${styles[outcome]}`} aria-hidden>
          {iconOf(outcome)}
          {count(counts[outcome]!)}
          <span className={styles.word}>{t(`short.${outcome}`)}</span>
        </span>
      ))}
    </button>
  )
}
