import { expect, signIn, test } from './fixtures'

test('two people edit one file: the second is told, and loses nothing', async ({ admin, api, browser, server }) => {
  const spider = await api.spider({ name: 'shared' }, { 'main.py': 'print("first")\n' })
  const path = `/spiders/${spider}/files?path=main.py`
  const other = await (await browser.newContext({ locale: 'en-US', baseURL: server.url })).newPage()
  await signIn(other, path)
  await admin.goto(path)
  const editor = (page: typeof admin) => page.locator('.monaco-editor').first()
  for (const page of [admin, other]) await expect(editor(page)).toContainText('first')
  await write(admin, 'print("mine")')
  await admin.keyboard.press('Control+s')
  await expect.poll(() => api.content(spider, 'main.py')).toBe('print("mine")')
  await write(other, 'print("theirs")')
  await other.keyboard.press('Control+s')
  const told = other.getByRole('dialog')
  await expect(told).toBeVisible()
  expect(await api.content(spider, 'main.py')).toBe('print("mine")')
  await told.getByRole('button', { name: /mine|overwrite/i }).click()
  await expect.poll(() => api.content(spider, 'main.py')).toBe('print("theirs")')
  await other.context().close()
})

test('a change is seen in the other tab, and told to whoever edits the same there', async ({ admin, api, context }) => {
  await api.call('POST', '/crawlhub/projects', { name: 'two tabs' })
  const other = await context.newPage()
  for (const tab of [admin, other]) {
    await tab.goto('/projects')
    await tab.getByRole('button', { name: 'Edit the project two tabs' }).click()
  }
  await other.getByLabel('Description').fill('unsaved')
  await admin.getByLabel('Description').fill('of the first')
  await admin.getByRole('button', { name: 'Save' }).click()
  await expect(other.getByText('This was changed elsewhere meanwhile')).toBeVisible()
  await expect(other.getByLabel('Description')).toHaveValue('unsaved')
  await other.getByRole('button', { name: 'Load what is there now' }).click()
  await expect(other.getByLabel('Description')).toHaveValue('of the first')
  await expect(other.getByText('This was changed elsewhere meanwhile')).toBeHidden()
  await other.getByRole('button', { name: 'Cancel' }).click()
  await expect(other.getByRole('row', { name: 'two tabs' })).toContainText('of the first')

  const spider = await api.spider({ name: 'in two tabs' })
  for (const tab of [admin, other]) await tab.goto(`/spiders/${spider}/settings`)
  const told = other.getByText('What you changed was changed elsewhere meanwhile')
  await other.getByLabel('Retries, at most').fill('5')
  await admin.getByLabel('Description').fill('another thing')
  await admin.getByRole('button', { name: 'Save' }).click()
  await expect(other.getByText('another thing')).toBeVisible()
  await expect(told).toBeHidden()
  await admin.getByLabel('Retries, at most').fill('4')
  // What is pressed while it is still being saved counts once.
  await expect(admin.locator('main .ant-btn-loading')).toHaveCount(0)
  await admin.getByRole('button', { name: 'Save' }).click()
  await expect(told).toBeVisible()
  await expect(other.getByLabel('Retries, at most')).toHaveValue('5')
  await other.getByRole('button', { name: 'Discard' }).click()
  await expect(other.getByLabel('Retries, at most')).toHaveValue('4')
})

async function write(page: import('@playwright/test').Page, text: string) {
  await page.locator('.monaco-editor .view-lines').first().click()
  await page.keyboard.press('Control+a')
  await page.keyboard.insertText(text)
  await expect(page.getByText('Unsaved').first()).toBeVisible()
}
