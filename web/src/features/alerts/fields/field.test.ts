import { expect, test } from 'vitest'

import { CHANNELS } from '../channels/kinds'
import { RULES } from '../rules/kinds'
import { isMaskWhole, MASK, toSent, toShown } from './field'

test('a share is shown as a percentage, and goes back as it came', () => {
  const { fields } = RULES.task_failure_rate
  const given = { threshold: 0.07, window_minutes: 5, min_tasks: 3 }
  expect(toShown(fields, given)).toEqual({ threshold: 7, window_minutes: 5, min_tasks: 3 })
  for (const threshold of [0, 0.07, 0.29, 0.575, 1]) {
    expect(toSent(fields, toShown(fields, { ...given, threshold }))).toEqual({ ...given, threshold })
  }
})

test('what is not there has its default', () => {
  expect(toShown(RULES.no_run.fields, {})).toEqual({ window_minutes: 1440 })
  expect(toShown(RULES.task_failed.fields, { window_minutes: 5 })).toEqual({})
})

test('texts without their ends; none where there is none', () => {
  expect(toShown(CHANNELS.webhook, { url: 'http://a' })).toEqual({ url: 'http://a', secret: '' })
  expect(toSent(CHANNELS.webhook, { url: ' http://a ', secret: ' ' })).toEqual({ url: 'http://a' })
  expect(toSent(CHANNELS.wecom, { webhook_url: 'http://a', secret: 'of another kind' })).toEqual({
    webhook_url: 'http://a',
  })
})

test('a mask stays whole or goes', () => {
  expect(isMaskWhole(MASK, MASK)).toBe(true)
  expect(isMaskWhole('new', MASK)).toBe(true)
  expect(isMaskWhole('', MASK)).toBe(true)
  expect(isMaskWhole(`${MASK}new`, MASK)).toBe(false)
  expect(isMaskWhole(MASK, '')).toBe(false)
  expect(isMaskWhole(`http://host/x?a=${MASK}`, `http://host/x?a=${MASK}`)).toBe(true)
})
