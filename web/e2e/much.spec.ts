import { expect, test } from './fixtures'

const LINES = 1_000_000

test('a log of a million lines is read at its end, its beginning, and by what is looked for', async ({
  admin,
  api,
}) => {
  test.setTimeout(900_000)
  const script = `import sys\nsys.stdout.writelines(f'line {n} of many\\n' for n in range(${LINES}))\n`
  const spider = await api.spider({ name: 'talkative', timeout_seconds: 800 }, { 'main.py': script })
  const task = await api.run(spider)
  await admin.goto(`/tasks/${task}?tab=log`)
  const log = admin.getByRole('region', { name: 'Lines of the log' })
  await expect(log.getByText(`line ${LINES - 1} of many`)).toBeVisible()
  // What is not seen is not in the page.
  expect(await log.locator('*').count()).toBeLessThan(3000)
  await admin.getByRole('button', { name: 'To the start' }).click()
  await expect(log.getByText('line 0 of many')).toBeVisible()
  await admin.getByRole('searchbox').fill('line 654321 of')
  await admin.getByRole('searchbox').press('Enter')
  await expect(log.getByText('line 654321 of many')).toBeVisible()
})

test('an item of 500 fields is shown in part, and whole on demand', async ({ admin, api }) => {
  const script = `from crawlhub import save_item\nsave_item({f'field_{n}': f'value {n}' for n in range(500)})\n`
  const spider = await api.spider({ name: 'wide' }, { 'main.py': script })
  await api.run(spider)
  await admin.goto(`/spiders/${spider}/data`)
  await expect(admin.getByRole('cell', { name: 'value 0', exact: true })).toBeVisible()
  expect(await admin.getByRole('columnheader').count()).toBeLessThan(20)
  await admin.getByRole('cell', { name: 'value 0', exact: true }).click()
  await expect(admin.getByRole('dialog').getByText('value 499')).toBeAttached()
})

test('among ten thousand spiders one is found, by a name of any script', async ({ admin, api }) => {
  test.setTimeout(900_000)
  const project = await api.call<{ id: string }>('POST', '/crawlhub/projects', { name: 'ten thousand' })
  const add = async (from: number) => {
    for (let n = from; n < 10_000; n += 8) {
      await api.call('POST', '/crawlhub/spiders', { name: `spider ${n}`, project_id: project.id })
    }
  }
  await Promise.all(Array.from({ length: 8 }, (_, n) => add(n)))
  await api.spider({ name: 'عناوين ٱلأخبار', project_id: project.id })
  await admin.goto('/spiders')
  await expect(admin.getByText(/10,?\d{3} in all/)).toBeVisible()
  await admin.getByRole('searchbox').fill('spider 7777')
  await expect(admin.getByRole('link', { name: 'spider 7777' })).toBeVisible()
  await admin.getByRole('searchbox').fill('ٱلأخبار')
  await expect(admin.getByRole('link', { name: 'عناوين ٱلأخبار' })).toBeVisible()
})
