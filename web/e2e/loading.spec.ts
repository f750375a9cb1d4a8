import { expect, signIn, test } from './fixtures'

const MOST_BYTES = 400_000

/** What came over the wire, compressed as the server had it; charts come when the page is there. */
const loaded = () =>
  (performance.getEntriesByType('resource') as PerformanceResourceTiming[])
    .filter(({ name }) => !name.includes('/ChartCanvas-'))
    .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)

test('the first load is small, and the next takes nothing from the server that has a hash in its name', async ({
  page,
}) => {
  await signIn(page, '/')
  await expect(page.getByRole('heading', { level: 1, name: 'Dashboard' })).toBeVisible()
  const first = await page.evaluate(loaded)
  expect(first).toBeGreaterThan(100_000)
  expect(first).toBeLessThan(MOST_BYTES)
  const asked: string[] = []
  page.on('request', (request) => asked.push(new URL(request.url()).pathname))
  await page.reload()
  await expect(page.getByRole('heading', { level: 1, name: 'Dashboard' })).toBeVisible()
  const again = await page.evaluate(() =>
    (performance.getEntriesByType('resource') as PerformanceResourceTiming[])
      .filter(({ name, transferSize }) => name.includes('/assets/') && transferSize > 0)
      .map(({ name }) => name),
  )
  expect(asked.some((path) => path.startsWith('/assets/'))).toBe(true)
  expect(again).toEqual([])
})

test('an address that is opened directly, or again, shows the same page', async ({ admin, api }) => {
  const spider = await api.spider({ name: 'deep link' }, { 'main.py': 'print(1)' })
  await admin.goto(`/spiders/${spider}/settings`)
  await expect(admin.getByRole('heading', { level: 1, name: 'deep link' })).toBeVisible()
  await admin.reload()
  await expect(admin).toHaveURL(new RegExp(`/spiders/${spider}/settings$`))
  await expect(admin.getByRole('heading', { level: 1, name: 'deep link' })).toBeVisible()
  await admin.goto('/nothing/here')
  await expect(admin.getByText('There is no such page')).toBeVisible()
})
