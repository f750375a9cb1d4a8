import { expect, test } from 'vitest'

import { dayAfter, dayOf, instantOf, offsetName, startOfDay, wallOf } from './zone'

const iso = (at: number) => new Date(at).toISOString().replace('.000', '')

test('what clocks show, and when they show it', () => {
  expect(wallOf('2026-11-27T19:10:00Z', 'Asia/Shanghai')).toBe('2026-11-28T03:10:00')
  expect(dayOf('2026-11-27T19:10:00Z', 'Asia/Shanghai')).toBe('2026-11-28')
  expect(dayOf('2026-11-27T19:10:00Z', 'America/New_York')).toBe('2026-11-27')
  for (const [wall, zone, wanted] of [
    ['2026-11-28T03:10', 'Asia/Shanghai', '2026-11-27T19:10:00Z'],
    ['2026-07-01T00:00', 'Europe/Berlin', '2026-06-30T22:00:00Z'],
    ['2026-11-27T00:00', 'UTC', '2026-11-27T00:00:00Z'],
    ['2026-11-27T00:00:30', 'Asia/Kathmandu', '2026-11-26T18:15:30Z'],
    ['2026-11-27T00:00', 'Pacific/Kiritimati', '2026-11-26T10:00:00Z'],
    // Berlin, 25 October 2026: 02:30 comes twice.
    ['2026-10-25T02:30', 'Europe/Berlin', '2026-10-25T00:30:00Z'],
    ['2026-10-25T03:30', 'Europe/Berlin', '2026-10-25T02:30:00Z'],
    // 29 March 2026: 02:30 does not come.
    ['2026-03-29T02:30', 'Europe/Berlin', '2026-03-29T01:00:00Z'],
    ['2026-03-29T03:00', 'Europe/Berlin', '2026-03-29T01:00:00Z'],
    ['2026-03-29T01:59', 'Europe/Berlin', '2026-03-29T00:59:00Z'],
  ] as const) {
    expect(iso(instantOf(wall, zone)), `${wall} ${zone}`).toBe(wanted)
  }
})

test('a day begins with its first moment, also where midnight does not come', () => {
  expect(iso(startOfDay('2026-11-28', 'Asia/Shanghai'))).toBe('2026-11-27T16:00:00Z')
  // Nuuk, 28 March 2026: 23:00 becomes 00:00 of the 29th.
  expect(dayOf(startOfDay('2026-03-29', 'America/Nuuk'), 'America/Nuuk')).toBe('2026-03-29')
  // Beirut, 29 March 2026: 00:00 becomes 01:00.
  const beirut = startOfDay('2026-03-29', 'Asia/Beirut')
  expect(wallOf(beirut, 'Asia/Beirut')).toBe('2026-03-29T01:00:00')
  expect(dayOf(beirut - 1000, 'Asia/Beirut')).toBe('2026-03-28')
})

test('days and offsets', () => {
  expect(dayAfter('2026-12-31')).toBe('2027-01-01')
  expect(dayAfter('2028-02-28')).toBe('2028-02-29')
  const at = Date.parse('2026-11-27T10:00:00.5Z')
  expect(offsetName('Asia/Shanghai', at)).toBe('UTC+8')
  expect(offsetName('Asia/Kathmandu', at)).toBe('UTC+5:45')
  expect(offsetName('America/St_Johns', at)).toBe('UTC−3:30')
  expect(offsetName('UTC', at)).toBe('UTC+0')
})
