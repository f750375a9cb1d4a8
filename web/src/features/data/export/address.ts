import { addressOf, DATA } from '../read'
import { selection, type DataSearch } from '../search'

export const FORMATS = ['csv', 'xlsx', 'json', 'ndjson', 'parquet'] as const
export type Format = (typeof FORMATS)[number]

export interface Choice {
  format: Format
  /** All where there are none. */
  fields: string[]
  /** Whether each row says where it comes from. */
  rows: boolean
  bom: boolean
  safe: boolean
  compress: boolean
}

/** What a format can be asked for. */
export const TAKES: Record<Format, { rows: boolean; bom: boolean; safe: boolean; compress: boolean }> = {
  csv: { rows: true, bom: true, safe: true, compress: true },
  xlsx: { rows: false, bom: false, safe: true, compress: false },
  json: { rows: true, bom: false, safe: false, compress: true },
  ndjson: { rows: false, bom: false, safe: false, compress: true },
  parquet: { rows: false, bom: false, safe: false, compress: false },
}

/** Where the file is. Nothing is asked for that the format does not have. */
export function exportAddress(search: DataSearch, { format, fields, ...wanted }: Choice): string {
  const takes = TAKES[format]
  return addressOf(`${DATA}/export/${format}${takes.rows && wanted.rows ? '/stream' : ''}`, {
    ...selection(search),
    fields: fields.length > 0 ? fields.join(',') : undefined,
    bom: takes.bom && wanted.bom ? 1 : undefined,
    safe: takes.safe && wanted.safe ? 1 : undefined,
    compress: takes.compress && wanted.compress ? 'gzip' : undefined,
  })
}
