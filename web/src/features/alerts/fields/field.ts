import type { Schemas } from '../../../api/client'
import type zh from '../../../i18n/zh/alerts'

/** Stands for a secret that is stored; sent back, it means "as it was". */
export const MASK = '******'

interface Described {
  /** As the API has it. */
  name: string
  label: keyof typeof zh.field
  help?: keyof typeof zh.fieldHelp
}

export interface NumberField extends Described {
  /** A percentage is a share from 0 to 1 in the API. */
  kind: 'number' | 'percent'
  initial: number
  least: number
  most: number
  unit: keyof typeof zh.unit
}

export interface TextField extends Described {
  kind: 'url' | 'secret' | 'receivers'
  isRequired: boolean
}

/** One of the settings that a kind of rule, or of channel, takes. */
export type Field = NumberField | TextField

export type Values = Record<string, unknown>

/** An object with whatever keys is one without any in the generated types. */
type Sent = NonNullable<Schemas['RuleChange']['condition']>

export const isNumber = (field: Field): field is NumberField => 'initial' in field

/** Free of what binary fractions add: 0.07 is 7 %. */
const rounded = (value: number) => Number(value.toPrecision(12))

/** What a form shows of settings as the API has them; what is missing has its default. */
export function toShown(fields: readonly Field[], given: Values): Values {
  return Object.fromEntries(
    fields.map((field): [string, unknown] => {
      const value = given[field.name]
      if (!isNumber(field)) return [field.name, typeof value === 'string' ? value : '']
      const number = typeof value === 'number' ? value : field.initial
      return [field.name, field.kind === 'percent' ? rounded(number * 100) : number]
    }),
  )
}

/** What the API takes of what a form shows. A text that is empty is left out: there is none. */
export function toSent(fields: readonly Field[], shown: Values): Sent {
  const sent: Values = Object.fromEntries(
    fields.flatMap((field): [string, unknown][] => {
      const value = shown[field.name]
      if (typeof value === 'number') return [[field.name, field.kind === 'percent' ? rounded(value / 100) : value]]
      return typeof value === 'string' && value.trim() ? [[field.name, value.trim()]] : []
    }),
  )
  return sent as Sent
}

/** Whether a secret was left as it is shown, or is a new one; a mask with something beside it is neither. */
export function isMaskWhole(value: string, before: string): boolean {
  return !value.includes(MASK) || value === before
}
