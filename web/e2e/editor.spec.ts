import type { Locator, Page } from '@playwright/test'

import { Client } from './client'
import { expect, signIn, test } from './fixtures'
import { Server } from './server'

const ENGINE = process.env.DOCKER_HOST ?? ''

test('a spider’s page opens VS Code, and keeps it open for whoever looks', async ({ page }) => {
  test.skip(!ENGINE, 'needs a container engine with the images of editors: scripts/with-docker')
  test.setTimeout(900_000)
  const server = await Server.start({ DOCKER_HOST: ENGINE })
  try {
    const api = await Client.signIn(server.url)
    const spider = await api.spider({ name: 'edited online' }, { 'main.py': 'print("first")\n' })
    await signIn(page, `${server.url}/spiders/${spider}`)
    const press = (name: string) => page.getByRole('button', { name }).click()
    const opened = async (name: string) => {
      const [opening] = await Promise.all([page.waitForEvent('popup'), press(name)])
      return opening
    }

    // What is typed there is the spider's, as soon as somebody asks for it.
    const first = await opened('Edit online')
    const file = await openFile(first)
    await expect(file).toContainText('print("first")')
    expect(first.url()).not.toContain('tkn')
    await append(file, '# synchronised')
    await press('My editor: Open')
    await press('Sync now')
    await expect.poll(() => api.content(spider, 'main.py')).toContain('# synchronised')
    await first.close()

    // Another window on the same files.
    const second = await opened('Open again')
    const again = await openFile(second)
    await expect(again).toContainText('# synchronised')
    await append(again, ' # and closed')
    await second.close()

    // Nobody does anything in the editor: the page says that it is wanted, as long as it is seen.
    const address = page.url()
    await page.goto('about:blank')
    let beats = 0
    page.on('response', (answer) => {
      if (answer.url().endsWith('/heartbeat') && answer.ok()) beats += 1
    })
    const lastActive = async () => {
      const session = await api.call<{ last_active_at: string }>('GET', `/crawlhub/spiders/${spider}/code-session`)
      return Date.parse(session.last_active_at)
    }
    await page.clock.install()
    await page.goto(address)
    await expect.poll(() => beats).toBe(1)
    const before = await lastActive()
    await page.clock.runFor(61_000)
    await expect.poll(() => beats).toBe(2)
    expect(await lastActive()).toBeGreaterThan(before)
    await page.evaluate(() => Object.defineProperty(document, 'visibilityState', { value: 'hidden' }))
    await page.clock.runFor(300_000)
    expect(beats).toBe(2)

    await press('My editor: Open')
    await press('Close editor')
    await page.getByRole('dialog', { name: 'Close the editor' }).getByRole('button', { name: 'Close editor' }).click()
    await expect.poll(() => api.content(spider, 'main.py')).toContain('# synchronised # and closed')
    await expect(page.getByRole('button', { name: /^My editor/ })).toHaveCount(0)
  } finally {
    await server.remove()
  }
})

/** The lines of `main.py`, as VS Code draws them. */
async function openFile(editor: Page): Promise<Locator> {
  const name = editor.locator('.explorer-folders-view').getByText('main.py', { exact: true })
  await name.dblclick({ timeout: 90_000 })
  return editor.locator('.part.editor .editor-instance .view-lines')
}

/** Types at the end of the file, until that is on the editor's disk: it saves by itself, and gives out what is there. */
async function append(file: Locator, text: string) {
  const editor = file.page()
  await file.click()
  await editor.keyboard.press('Control+End')
  await editor.keyboard.type(text)
  const saved = () =>
    editor.evaluate(async () => {
      const program = performance.getEntriesByType('resource').find(({ name }) => /\/stable-\w+\/static\//.test(name))!
      const root = program.name.replace(/\/static\/.*/, '')
      const answer = await fetch(`${root}/vscode-remote-resource?path=/workspace/main.py`, { cache: 'no-store' })
      return answer.text()
    })
  await expect.poll(saved).toContain(text)
}
