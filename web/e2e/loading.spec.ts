import { expect, signIn, test } from './fixtures'

const SLOW_MS = 3000

test('what has a hash in its name is taken from the server once', async ({ page }) => {
  // What is still on its way when a page is left is rightly asked for again.
  const arrived = new Set<string>()
  page.on('requestfinished', (request) => arrived.add(request.url()))
  const dashboard = async () => {
    await expect(page.getByRole('heading', { level: 1, name: 'Dashboard' })).toBeVisible()
    await expect(page.locator('main canvas').first()).toBeVisible()
  }
  await signIn(page, '/')
  await dashboard()
  const before = [...arrived].filter((url) => url.includes('/assets/'))
  await page.reload()
  await dashboard()
  const loaded = await page.evaluate(() =>
    (performance.getEntriesByType('resource') as PerformanceResourceTiming[]).map(({ name, transferSize }) => ({
      name,
      transferSize,
    })),
  )
  const known = loaded.filter(({ name }) => before.includes(name))
  expect(known.length).toBeGreaterThan(5)
  expect(known.filter(({ transferSize }) => transferSize > 0)).toEqual([])
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

test('a server that takes seconds is asked for nothing twice, and what is typed meanwhile stays', async ({
  page,
  api,
}) => {
  test.setTimeout(600_000)
  const asked: string[] = []
  const problems: string[] = []
  let held = Promise.resolve()
  page.on('pageerror', (error) => problems.push(error.message))
  await page.route('**/platform/api/**', async (route) => {
    const request = route.request()
    if (request.method() !== 'GET') {
      asked.push(`${request.method()} ${new URL(request.url()).pathname}`)
      await held
    }
    await new Promise((later) => setTimeout(later, SLOW_MS))
    await route.continue().catch(() => null)
  })
  /** What is asked for while that is done. */
  const during = async (done: () => Promise<unknown>) => {
    asked.length = 0
    await done()
    return asked
  }
  const dialog = page.getByRole('dialog')
  const root = '/platform/api/crawlhub'
  await signIn(page, '/projects')

  const name = dialog.getByLabel('Name')
  await page.getByRole('button', { name: 'New project' }).first().click()
  await name.fill('slow, by clicks')
  const clicked = await during(async () => {
    await dialog.getByRole('button', { name: 'Save' }).dblclick()
    await expect(page.getByRole('link', { name: 'slow, by clicks', exact: true })).toBeVisible()
    await expect(dialog).toBeHidden()
  })
  expect(clicked).toEqual([`POST ${root}/projects`])
  await page.getByRole('button', { name: 'New project' }).first().click()
  await name.fill('slow, by keys')
  let letGo = () => {}
  held = new Promise((resolve) => {
    letGo = resolve
  })
  const entered = await during(async () => {
    await name.press('Enter')
    await name.press('Enter')
    // It is closed before it is answered, and another one opened: that one stays.
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await expect(dialog).toBeHidden()
    await page.getByRole('button', { name: 'New project' }).first().click()
    await name.fill('not yet')
    letGo()
    await expect(page.getByRole('link', { name: 'slow, by keys', exact: true })).toBeAttached()
  })
  expect(entered).toEqual([`POST ${root}/projects`])
  await expect(name).toHaveValue('not yet')
  await dialog.getByRole('button', { name: 'Cancel' }).click()

  const spider = await api.spider({ name: 'slow' }, { 'main.py': 'print(1)' })
  await page.goto(`/spiders/${spider}/settings`)
  const run = await during(async () => {
    await page.getByRole('button', { name: 'Run', exact: true }).dblclick()
    await expect(page.getByRole('button', { name: 'Show the task' })).toBeVisible()
  })
  expect(run).toEqual([`POST ${root}/spiders/${spider}/run`])
  await page.getByLabel('Description').fill('first')
  const saved = await during(async () => {
    await page.getByRole('button', { name: 'Save' }).dblclick()
    await page.getByLabel('Description').fill('second')
    await expect(page.getByText('Saved', { exact: true })).toBeVisible()
  })
  expect(saved).toEqual([`PUT ${root}/spiders/${spider}`])
  await expect(page.getByText('You have made changes')).toBeVisible()
  await expect(page.getByLabel('Description')).toHaveValue('second')
  await expect(page.locator('main .ant-btn-loading')).toHaveCount(0)
  await expect(page.getByText('Saved', { exact: true })).toBeHidden()
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('Saved', { exact: true })).toBeVisible()
  // Whoever is told so may leave, before all else is read again.
  await expect(page.getByText('You have made changes')).toBeHidden({ timeout: SLOW_MS / 2 })
  expect(await api.call('GET', `/crawlhub/spiders/${spider}`)).toMatchObject({ description: 'second' })
  await page.getByRole('button', { name: 'Delete the spider', exact: true }).click()
  const deleted = await during(async () => {
    await dialog.getByRole('button', { name: 'Delete' }).dblclick()
    await expect(page).toHaveURL(/\/spiders$/)
  })
  expect(deleted).toEqual([`DELETE ${root}/spiders/${spider}`])
  expect(problems).toEqual([])
})
