import i18n from 'i18next'

/** Hour and minute: for what is soon. */
export function clock(at: string): string {
  return new Intl.DateTimeFormat(i18n.language, { hour: '2-digit', minute: '2-digit', hour12: false }).format(
    new Date(at),
  )
}
