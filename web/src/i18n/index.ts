import i18n, { type BackendModule, type ResourceKey } from 'i18next'
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

/** A subject that something is said of. */
export type Words = keyof typeof zh

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

const FOLDERS = { 'zh-CN': 'zh', en: 'en' }

/** Of each subject a file; they come with the pages that speak of it. */
const files = import.meta.glob<{ default: ResourceKey }>(['./{zh,en}/*.ts', '!./*/index.ts'])

const backend: BackendModule = {
  type: 'backend',
  init: () => undefined,
  read: async (language, subject) => (await files[`./${FOLDERS[language as Language]}/${subject}.ts`]!()).default,
}

/** Makes the words of these subjects known, which else come when something of them is first said. */
export async function loadWords(subjects: Words[]) {
  await i18n.loadNamespaces(subjects)
  const absent = subjects.find((subject) => !i18n.hasResourceBundle(i18n.language, subject))
  if (absent) throw new Error(`the words of ${absent} did not come`)
}

function speak(language: Language) {
  setAnswerLanguage(language)
  document.documentElement.lang = language
}

export async function startI18n() {
  const language = preferredLanguage(localStorage.getItem(KEPT), navigator.languages)
  await i18n
    .use(backend)
    .use(initReactI18next)
    .init({
      lng: language,
      fallbackLng: false,
      load: 'currentOnly',
      ns: ['common'],
      defaultNS: 'common',
      interpolation: { escapeValue: false },
    })
  speak(language)
}

export async function setLanguage(language: Language) {
  localStorage.setItem(KEPT, language)
  speak(language)
  await i18n.changeLanguage(language)
}
