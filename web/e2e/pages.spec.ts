import AxeBuilder from '@axe-core/playwright'

import { expect, test } from './fixtures'
import { furnish, pages, type House } from './house'

const MOST_BYTES = 400_000

let house: House | null = null

test.beforeEach(async ({ api }) => {
  house ??= await furnish(api)
})

for (const [language, theme, width, height] of [
  ['zh-CN', 'light', 1280, 900],
  ['en', 'dark', 390, 844],
] as const) {
  test(`every page can be read, also by those who cannot see or point: ${language}, ${theme}, ${width} wide`, async ({
    admin,
  }) => {
    test.setTimeout(1_200_000)
    await admin.setViewportSize({ width, height })
    await admin.evaluate(
      ([language, theme]) => {
        localStorage.setItem('crawlhub.language', language)
        localStorage.setItem('crawlhub.theme', theme)
      },
      [language, theme] as const,
    )
    const problems: string[] = []
    admin.on('pageerror', (error) => problems.push(`${admin.url()}: ${error.message}`))
    for (const [name, path] of Object.entries(pages(house!))) {
      await admin.goto(path)
      await expect(admin.getByRole('heading', { level: 1 }), name).toBeVisible()
      await expect(admin.locator('.ant-skeleton, .ant-spin-spinning'), name).toHaveCount(0)
      // Fading in, a text has less contrast.
      await admin.evaluate(() =>
        Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => null))),
      )
      const icons = await admin.getByRole('img').evaluateAll((found) => found.map((image) => image.ariaLabel))
      problems.push(
        ...icons
          .filter((label) => label && /^[a-z]+(-[a-z]+)*$/.test(label))
          .map((label) => `${name}: the icon ${label} is read out`),
      )
      const beyond = await admin.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      if (beyond > 0) problems.push(`${name} is wider than the screen by ${beyond}`)
      // The other mode is for frames of other origins, which no page has, and takes three times as long.
      const axe = new AxeBuilder({ page: admin }).setLegacyMode(true).options({ resultTypes: ['violations'] })
      const { violations } = await axe.exclude('.monaco-editor').analyze()
      for (const { id, impact, nodes } of violations) {
        if (impact === 'serious' || impact === 'critical') {
          problems.push(`${name}: ${id}: ${nodes.map((node) => node.html.slice(0, 200)).join(' | ')}`)
        }
      }
    }
    expect(problems).toEqual([])
  })
}

test('every page says that it loads, for as long as the server takes', async ({ admin }) => {
  test.setTimeout(600_000)
  const problems: string[] = []
  admin.on('pageerror', (error) => problems.push(`${admin.url()}: ${error.message}`))
  let answer = () => {}
  let answered = Promise.resolve()
  await admin.route('**/platform/api/**', async (route) => {
    // Without it there is no page at all.
    if (!route.request().url().endsWith('/account/profile')) await answered
    await route.continue().catch(() => null)
  })
  for (const [name, path] of Object.entries(pages(house!))) {
    answered = new Promise((resolve) => {
      answer = resolve
    })
    await admin.goto(path)
    const loading = admin.locator('main').locator('.ant-skeleton, .ant-spin-spinning')
    await expect(loading.first(), name).toBeVisible()
    answer()
    await expect(admin.getByRole('heading', { level: 1 }), name).toBeVisible()
    await expect(loading, name).toHaveCount(0)
  }
  expect(problems).toEqual([])
})

/** What came over the wire, but for what comes when the page is there: charts, terminals, and the editor of code. */
const loaded = () =>
  [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
    .map((entry) => entry as PerformanceResourceTiming)
    .filter(({ name }) => !/\/(ChartCanvas|TerminalScreen|monaco|editor|codicon|Editor|Diff)[-.]/.test(name))
    .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)

test('the first load of every page is small, also over plain HTTP, where browsers take gzip only', async ({
  admin,
}) => {
  test.setTimeout(600_000)
  // What the page still loads that the administrator signed in on is none of this.
  await admin.goto('about:blank')
  await admin.setExtraHTTPHeaders({ 'Accept-Encoding': 'gzip' })
  const browser = await admin.context().newCDPSession(admin)
  await browser.send('Network.enable')
  await browser.send('Network.setCacheDisabled', { cacheDisabled: true })
  const encodings = new Set<string>()
  admin.on('response', (answer) => {
    const encoding = answer.headers()['content-encoding']
    if (encoding) encodings.add(encoding)
  })
  const failures: string[] = []
  admin.on('requestfailed', (request) => failures.push(`${request.url()}: ${request.failure()?.errorText}`))
  admin.on('pageerror', (error) => failures.push(`${admin.url()}: ${error.message}`))
  const sizes: Record<string, number> = {}
  for (const [name, path] of Object.entries({ ...pages(house!), 'sign-in': '/login' })) {
    failures.length = 0
    await admin.goto(path)
    const heading = admin.getByRole('heading', { level: 1 })
    await heading.waitFor().catch(async () => {
      const seen = await admin.locator('body').innerText()
      throw new Error(`${name} has no heading, but ${JSON.stringify(seen)}; ${failures.join(', ')}`)
    })
    await expect(admin.locator('.ant-skeleton, .ant-spin-spinning'), name).toHaveCount(0)
    sizes[name] = await admin.evaluate(loaded)
    expect.soft(sizes[name], name).toBeLessThan(MOST_BYTES)
    expect(sizes[name], name).toBeGreaterThan(MOST_BYTES / 4)
  }
  expect([...encodings]).toEqual(['gzip'])
})
