const CLOCK = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
})

/** The time of day of a line, where the reader is: `08:00:00.125`. */
export const clock = (timestamp: string) => CLOCK.format(new Date(timestamp))
