type Params = Record<string, unknown>

/** Parameters as they are written; null: it is no JSON object. Nothing at all are none. */
export function readParams(text: string): Params | null {
  if (text.trim() === '') return {}
  try {
    const found: unknown = JSON.parse(text)
    return typeof found === 'object' && found !== null && !Array.isArray(found) ? (found as Params) : null
  } catch {
    return null
  }
}

export const writeParams = (params: Params) => (Object.keys(params).length > 0 ? JSON.stringify(params, null, 2) : '')
