import type { Schemas } from '../../api/client'

/** With what the spider sent, in which numbers are as they were sent (see `exact.ts`). */
type Exact<T> = Omit<T, 'data'> & { data: unknown }

export type Item = Exact<Schemas['WholeRow']> & { _id: string }
export type ItemPage = Omit<Schemas['ItemPage'], 'items'> & { items: Item[] }
export type Field = Omit<Schemas['FieldSummary'], 'sample'> & { sample?: unknown }
export type Refused = Exact<Schemas['InQuarantine']>
/** Something that a spider brings, again and again. */
export type Thing = Exact<Schemas['Change']>
export type Version = Exact<Schemas['VersionItem']>
