/** Light, dark, or as the system has it. */
export type Theme = 'system' | 'light' | 'dark'

const KEPT = 'crawlhub.theme'
const darkSystem = matchMedia('(prefers-color-scheme: dark)')
const listeners = new Set<() => void>()

let theme: Theme = (['light', 'dark'] as const).find((known) => known === localStorage.getItem(KEPT)) ?? 'system'

export const currentTheme = () => theme
export const isDark = () => theme === 'dark' || (theme === 'system' && darkSystem.matches)

export function setTheme(next: Theme) {
  theme = next
  localStorage.setItem(KEPT, next)
  tell()
}

export function subscribe(listener: () => void) {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

function tell() {
  document.documentElement.dataset.theme = isDark() ? 'dark' : 'light'
  for (const listener of listeners) listener()
}

darkSystem.addEventListener('change', tell)
tell()
