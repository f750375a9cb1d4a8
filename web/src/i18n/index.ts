import i18n from 'i18next'
import { initReactI18next } from 'react-i18next'

import { setAnswerLanguage } from '../api/fetch'
import type zh from './zh'

export const LANGUAGES = { 'zh-CN': '简体中文', en: 'English' } as const
export type Language = keyof typeof LANGUAGES

const KEPT = 'crawlhub.language'

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'common'
    resources: typeof zh
    returnNull: false
  }
}

/** The same keys, whatever the words. */
export type Texts<T> = { [K in keyof T]: T[K] extends string ? string : Texts<T[K]> }

/** The language that was chosen, else the first of the browser's that there is. */
export function preferredLanguage(kept: string | null, browser: readonly string[]): Language {
  if (kept !== null && kept in LANGUAGES) return kept as Language
  for (const wanted of browser) {
    if (/^zh\b/i.test(wanted)) return 'zh-CN'
    if (/^en\b/i.test(wanted)) return 'en'
  }
  return 'en'
}

const texts = {
  'zh-CN': () => import('./zh'),
  en: () => import('./en'),
}

async function load(language: Language) {
  const { default: resources } = await texts[language]()
  for (const [namespace, words] of Object.entries(resources)) i18n.addResourceBundle(language, namespace, words)
  setAnswerLanguage(language)
  document.documentElement.lang = language
}

export async function startI18n() {
  const language = preferredLanguage(localStorage.getItem(KEPT), navigator.languages)
  await i18n.use(initReactI18next).init({
    lng: language,
    fallbackLng: false,
    defaultNS: 'common',
    interpolation: { escapeValue: false },
    resources: {},
  })
  await load(language)
}

export async function setLanguage(language: Language) {
  localStorage.setItem(KEPT, language)
  await load(language)
  await i18n.changeLanguage(language)
}
