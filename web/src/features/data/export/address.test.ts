import { expect, test } from 'vitest'

import { exportAddress, type Choice } from './address'

const all: Choice = { format: 'csv', fields: ['title', 'price'], rows: true, bom: true, safe: true, compress: true }
const path = '/platform/api/crawlhub/data/export'

test('the file has what the table has, whole', () => {
  expect(exportAddress({ spider_id: 's', filter: ['price:gt:1'], sort: 'price', page: 3, cursor: 'c' }, all)).toBe(
    `${path}/csv/stream?spider_id=s&filter=price%3Agt%3A1&fields=title%2Cprice&bom=1&safe=1&compress=gzip`,
  )
})

test('a format is asked for what it has', () => {
  expect(exportAddress({}, { ...all, format: 'parquet', fields: [] })).toBe(`${path}/parquet`)
  expect(exportAddress({}, { ...all, format: 'xlsx', fields: [] })).toBe(`${path}/xlsx?safe=1`)
  expect(exportAddress({}, { ...all, format: 'ndjson', fields: [] })).toBe(`${path}/ndjson?compress=gzip`)
  expect(exportAddress({}, { ...all, format: 'json', fields: [], compress: false })).toBe(`${path}/json/stream`)
})
