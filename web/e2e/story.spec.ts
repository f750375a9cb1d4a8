import { readFile } from 'node:fs/promises'

import type { Page } from '@playwright/test'

import en from '../src/i18n/en'
import zh from '../src/i18n/zh'
import { expect, test } from './fixtures'
import { EMAIL, PASSWORD, Server } from './server'

const SCRIPT = `from crawlhub import save_item
for n in range(25): save_item({'title': f'书 {n}', 'price': n + 0.5})
print('25 books')
`

/** From an empty database to a downloaded CSV, and to the news that something broke: who does it has never read the API. */
for (const [locale, words] of [
  ['zh-CN', zh],
  ['en-US', en],
] as const) {
  test(`the story of a spider: ${locale}`, async ({ browser }) => {
    test.setTimeout(600_000)
    const server = await Server.start()
    const context = await browser.newContext({ locale, baseURL: server.url, acceptDownloads: true })
    const page = await context.newPage()
    const { common, dashboard, spiders, files, versions, schedules, data, tasks } = words
    const button = (name: string) => page.getByRole('button', { name, exact: true })
    const tab = (name: string) => page.getByRole('navigation', { name: spiders.sections }).getByRole('link', { name })
    try {
      await page.goto('/')
      await page.getByLabel(common.session.email).fill(EMAIL)
      await page.getByLabel(common.session.password, { exact: true }).fill(PASSWORD)
      await button(common.session.signIn).click()
      await expect(page.getByText(dashboard.welcome)).toBeVisible()

      // A new spider, from the dashboard's own advice.
      await page.getByRole('link', { name: dashboard.createSpider }).click()
      await page.getByRole('button', { name: spiders.create }).first().click()
      const dialog = page.getByRole('dialog', { name: spiders.create })
      await dialog.getByLabel(common.word.name).fill('图书 books')
      await dialog.getByRole('button', { name: common.action.create }).click()
      await expect(page.getByRole('heading', { level: 1, name: '图书 books' })).toBeVisible()

      // Written, saved and tried beside each other.
      await page.goto(`${new URL(page.url()).pathname}?path=main.py`)
      await write(page, SCRIPT, files.unsaved)
      await button(files.console.run).click()
      const console = page.getByRole('region', { name: files.console.title })
      await expect(console.getByText('25 books')).toBeVisible()
      await expect(console.getByText(tasks.status.completed)).toBeVisible()

      // A version, and times.
      await tab(spiders.tab.versions).click()
      await page.getByRole('button', { name: versions.publish }).first().click()
      await page.getByRole('dialog').getByRole('button', { name: versions.publishNow }).click()
      await expect(page.getByText(versions.published.replace('{{version}}', '1')).first()).toBeVisible()
      await tab(spiders.tab.schedule).click()
      await page.getByRole('button', { name: schedules.create }).first().click()
      await page.getByRole('dialog').getByLabel(schedules.field.cron).fill('0 8 * * *')
      await page.getByRole('dialog').getByRole('button', { name: common.action.save }).click()
      await expect(page.getByText('0 8 * * *').first()).toBeVisible()

      // Run, and watched to its end.
      await button(common.action.run).click()
      await page.getByRole('button', { name: spiders.showTask }).click()
      await expect(page.getByText(tasks.status.completed).first()).toBeVisible()
      await expect(page.getByRole('region', { name: tasks.log.region }).getByText('25 books')).toBeVisible()

      // Its items, and the file of them.
      await page.goto('/data')
      await expect(page.getByRole('cell', { name: '书 24' }).first()).toBeVisible()
      await page.getByRole('button', { name: data.export.open }).click()
      const downloading = page.waitForEvent('download')
      await page.getByRole('dialog').getByRole('button', { name: common.action.download }).click()
      const csv = await readFile(await (await downloading).path(), 'utf8')
      const [header, ...rows] = csv.trimEnd().split(/\r?\n/)
      expect(header).toBe('\ufeffprice,title')
      expect(rows.filter((row) => row.endsWith('书 7'))).toContain('7.5,书 7')

      // Something breaks: whoever looks is told.
      await page.goto('/spiders')
      await page.getByRole('link', { name: '图书 books' }).click()
      await tab(spiders.tab.settings).click()
      await page.getByLabel(spiders.settings.maxRetries).fill('0')
      await button(common.action.save).click()
      await expect(page.getByText(common.said.saved, { exact: true })).toBeVisible()
      await expect(page.getByText(spiders.settings.unsaved)).toBeHidden()
      await tab(spiders.tab.files).click()
      await page.goto(`${new URL(page.url()).pathname}?path=main.py`)
      await write(page, "raise RuntimeError('the site has changed')\n", files.unsaved)
      await page.keyboard.press('Control+s')
      await expect(page.getByText(files.unsaved).first()).toBeHidden()
      await tab(spiders.tab.versions).click()
      await page.getByRole('button', { name: versions.publish }).first().click()
      await page.getByRole('dialog').getByRole('button', { name: versions.publishNow }).click()
      await expect(page.getByText(versions.published.replace('{{version}}', '2')).first()).toBeVisible()
      await button(common.action.run).click()
      const bell = page.getByRole('button', { name: `${common.nav.alerts} (1)` })
      await expect(bell).toBeVisible({ timeout: 60_000 })
      await bell.click()
      await expect(page.getByRole('heading', { level: 1, name: common.nav.alerts })).toBeVisible()
      await expect(page.getByText('the site has changed').first()).toBeVisible()
    } finally {
      await context.close()
      await server.remove()
    }
  })
}

async function write(page: Page, text: string, unsaved: string) {
  await page.locator('.monaco-editor .view-lines').first().click()
  await page.keyboard.press('Control+a')
  await page.keyboard.insertText(text)
  await expect(page.getByText(unsaved).first()).toBeVisible()
}
