import { useState } from 'react'

import type { Field } from '../types'
import { fullest } from './value'

const DEFAULT_COUNT = 8

const keyOf = (spiderId: string) => `crawlhub.columns.${spiderId}`

/** The fields that are shown as columns: chosen ones are kept for each spider, else those that are filled most often. */
export function useChosenFields(spiderId: string | undefined, fields: Field[] | undefined) {
  const [chosen, setChosen] = useState<{ of: string | undefined; names: string[] | null }>()
  const names = chosen?.of === spiderId && chosen ? chosen.names : spiderId ? kept(spiderId) : null
  const choose = (next: string[]) => {
    // None at all is the same as no choice.
    const names = next.length > 0 ? next : null
    if (spiderId && names) localStorage.setItem(keyOf(spiderId), JSON.stringify(names))
    else if (spiderId) localStorage.removeItem(keyOf(spiderId))
    setChosen({ of: spiderId, names })
  }
  return [names ?? fullest(fields ?? [], DEFAULT_COUNT), choose] as const
}

function kept(spiderId: string): string[] | null {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(keyOf(spiderId)) ?? 'null')
    return Array.isArray(found) && found.length > 0 ? found.map(String) : null
  } catch {
    return null
  }
}
