import { expect, test } from './fixtures'
import { furnish, pages } from './house'

const WIDTHS = { wide: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } }

/** Not a test: pictures to be looked at, as `shots/<language>/<theme>/<width>/<page>.png`. */
test('every page', async ({ admin, api }) => {
  const house = await furnish(api)
  for (const [language, theme, width] of [
    ['zh-CN', 'light', 'wide'],
    ['en', 'light', 'wide'],
    ['zh-CN', 'dark', 'wide'],
    ['en', 'light', 'phone'],
    ['zh-CN', 'dark', 'phone'],
  ] as const) {
    await admin.setViewportSize(WIDTHS[width])
    await admin.evaluate(
      ([language, theme]) => {
        localStorage.setItem('crawlhub.language', language)
        localStorage.setItem('crawlhub.theme', theme)
      },
      [language, theme] as const,
    )
    for (const [name, path] of Object.entries({ ...pages(house), login: '/login' })) {
      await admin.goto(path)
      await expect(admin.getByRole('heading', { level: 1 })).toBeVisible()
      await expect(admin.locator('.ant-skeleton, .ant-spin-spinning')).toHaveCount(0)
      // Charts draw themselves for a while.
      if (await admin.locator('canvas').count()) await admin.waitForTimeout(1200)
      await admin.screenshot({ path: `shots/${language}/${theme}/${width}/${name}.png`, fullPage: true })
    }
  }
})
