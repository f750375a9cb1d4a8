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

async function write(page: import('@playwright/test').Page, text: string) {
  await page.locator('.monaco-editor .view-lines').first().click()
  await page.keyboard.press('Control+a')
  await page.keyboard.insertText(text)
}
