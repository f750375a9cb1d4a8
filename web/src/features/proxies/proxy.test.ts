import { expect, test } from 'vitest'

import { addressOf, checksOf, unchecked, type Proxy } from './proxy'

const proxy = (id: string, part: Partial<Proxy> = {}): Proxy => ({
  id,
  protocol: 'http',
  host: '203.0.113.7',
  port: 8080,
  has_password: false,
  status: 'active',
  success_rate: 0.8,
  fail_count: 0,
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-01T00:00:00Z',
  ...part,
})

test('addresses', () => {
  expect(addressOf(proxy('a'))).toBe('http://203.0.113.7:8080')
  expect(addressOf(proxy('a', { protocol: 'socks5', username: 'u', host: '::1' }))).toBe('socks5://u@[::1]:8080')
})

test('which are still to be checked', () => {
  const before = checksOf([proxy('a'), proxy('b', { last_check_at: 'x' }), proxy('c')])
  const now = [
    proxy('a'),
    proxy('b', { last_check_at: 'y' }),
    // It was found not to work meanwhile, or is out of use.
    proxy('c', { status: 'inactive' }),
    proxy('new'),
  ]
  expect(unchecked(before, now)).toBe(1)
  expect(unchecked({}, now)).toBe(0)
})
