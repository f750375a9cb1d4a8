/** The object that a text is in JSON; null where it is none. Nothing is an empty one. */
export function parseObject(text: string | null | undefined): Record<string, unknown> | null {
  if (!text?.trim()) return {}
  try {
    const found: unknown = JSON.parse(text)
    return typeof found === 'object' && found !== null && !Array.isArray(found)
      ? (found as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}

/** An object as people edit it; an empty one is nothing. */
export function objectText(object: unknown): string {
  return typeof object === 'object' && object !== null && Object.keys(object).length > 0
    ? JSON.stringify(object, null, 2)
    : ''
}
