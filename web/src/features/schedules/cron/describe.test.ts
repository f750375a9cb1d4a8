import i18next, { type TFunction } from 'i18next'
import { beforeAll, expect, test } from 'vitest'

import en from '../../../i18n/en/schedules'
import zh from '../../../i18n/zh/schedules'
import { describe } from './describe'

let words: Record<'en' | 'zh-CN', TFunction<'schedules'>>

beforeAll(async () => {
  const i18n = i18next.createInstance()
  await i18n.init({
    lng: 'en',
    interpolation: { escapeValue: false },
    resources: { en: { schedules: en }, 'zh-CN': { schedules: zh } },
  })
  words = { en: i18n.getFixedT('en', 'schedules'), 'zh-CN': i18n.getFixedT('zh-CN', 'schedules') }
})

test.each([
  ['* * * * *', '每分钟', 'every minute'],
  ['*/10 * * * *', '每 10 分钟', 'every 10 minutes'],
  ['*/30 * * * * *', '每 30 秒', 'every 30 seconds'],
  ['@hourly', '每小时的第 00 分', 'every hour, at minute 00'],
  ['15,45 * * * *', '每小时的第 15、45 分', 'every hour, at minute 15, 45'],
  ['0 */2 * * *', '每 2 小时的第 00 分', 'every 2 hours, at minute 00'],
  ['0 8 * * *', '每天 08:00', 'every day at 08:00'],
  ['30 8,20 * * *', '每天 08:30、20:30', 'every day at 08:30, 20:30'],
  ['0 8 * * MON-FRI', '星期一至星期五 08:00', 'Monday–Friday at 08:00'],
  ['0 8 * * 6,7', '星期六、星期日 08:00', 'Saturday, Sunday at 08:00'],
  ['0 0 * * FRI-MON', '星期一、星期五至星期日 00:00', 'Monday, Friday–Sunday at 00:00'],
  ['0 3 1 * *', '每月 1 日 03:00', 'on day 1 of the month at 03:00'],
  ['0 3 L * *', '每月最后一天 03:00', 'on the last day of the month at 03:00'],
  ['0 3 1,15 * MON', '每月 1、15 日或星期一 03:00', 'on day 1, 15 of the month or Monday at 03:00'],
  ['0 0 1 1 *', '一月，每月 1 日 00:00', 'on day 1 of the month in January at 00:00'],
  ['*/15 9-17 * * 1-5', '星期一至星期五 09:00–17:59 每 15 分钟', 'every 15 minutes, 09:00–17:59, Monday–Friday'],
  ['5 0 8 * * *', '每天 08:00:05', 'every day at 08:00:05'],
])('%s', (expr, chinese) => {
  expect(describe(expr, words['zh-CN'], 'zh-CN')).toBe(chinese)
})

test.each(['', 'nonsense', '61 * * * *', '0 0 15W * *', '0 0 * * FRI#2', '*/7 * * * *', '0 */2 1 2', '* 8 * * * *'])(
  'no words for %s',
  (expr) => {
    expect(describe(expr, words.en, 'en')).toBeNull()
  },
)
