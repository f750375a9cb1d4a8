const two = (value: number) => String(value).padStart(2, '0')

/** A time as an input of the kind `datetime-local` has it, where the reader is. */
export function toInput(at: string | undefined): string {
  const date = at === undefined ? null : new Date(at)
  if (!date || Number.isNaN(date.getTime())) return ''
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-')
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`
}

export function fromInput(text: string): string | undefined {
  const date = new Date(text)
  return text === '' || Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}
