import { useTranslation } from 'react-i18next'

import type { Log } from './useLog'
import styles from './log.module.css'

/** What is being loaded, over the lines. */
export function LogNotice({ log: { work, place, held } }: { log: Log }) {
  const { t } = useTranslation('tasks')
  const { t: c } = useTranslation()
  const said = () => {
    if (place !== null) return t('log.searching', { seq: place })
    if (work === 'open') return c('word.loading')
    if (work === 'earlier') return t('log.earlier')
    // While it is followed, it is asked for again and again.
    return work === 'later' && !held?.isEnd ? t('log.later') : null
  }
  const text = said()
  return (
    <div role="status" className={text ? styles.notice : undefined}>
      {text}
    </div>
  )
}
