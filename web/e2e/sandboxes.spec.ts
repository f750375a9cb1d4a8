import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'

import { Client } from './client'
import { expect, signIn, test } from './fixtures'
import { Server } from './server'

const ENGINE = process.env.DOCKER_HOST ?? ''
const WITHOUT = 'needs a container engine with the images of workspaces and spiders: scripts/with-docker'
/** Any image in which a program answers HTTP will do. */
const IMAGE = 'crawlhub-spider:latest'

const view = (page: Page, name: string) => page.getByRole('radiogroup', { name: 'View' }).getByText(name).click()
/** For those who cannot see or point. */
const faultsOf = async (page: Page) => {
  const { violations } = await new AxeBuilder({ page }).analyze()
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`)
}
const confirm = (page: Page, question: RegExp, answer: string) =>
  page.getByRole('dialog', { name: question }).getByRole('button', { name: answer, exact: true }).click()

test('a workspace without a container engine says what is missing, and keeps what was typed', async ({ admin }) => {
  await admin.goto('/workspaces')
  await admin.getByRole('button', { name: 'New workspace' }).first().click()
  const dialog = admin.getByRole('dialog', { name: 'New workspace' })
  await dialog.getByLabel('Name').fill('No Such Name')
  await dialog.getByRole('button', { name: 'Create', exact: true }).click()
  await expect(dialog.getByText('takes lower case letters')).toBeVisible()
  await dialog.getByLabel('Name').fill('no-engine')
  await dialog.getByRole('button', { name: 'Create', exact: true }).click()
  await expect(admin.getByRole('heading', { level: 1, name: 'no-engine' })).toBeVisible()
  await expect(admin.getByText('There are no files here')).toBeVisible()

  await admin.getByRole('button', { name: 'New folder' }).click()
  const folder = admin.getByRole('dialog', { name: 'New folder' })
  await folder.getByLabel('Name').fill('数据')
  await folder.getByRole('button', { name: 'Create', exact: true }).click()
  await expect(folder.getByRole('alert')).toContainText('Docker')
  await expect(folder.getByLabel('Name')).toHaveValue('数据')
  await folder.getByRole('button', { name: 'Cancel' }).click()

  await view(admin, 'Terminal')
  const terminal = admin.getByRole('region', { name: 'Terminal' })
  await expect(terminal.getByRole('alert')).toContainText('Docker')
  await terminal.getByRole('button', { name: 'Connect again' }).click()
  await expect(terminal.getByRole('alert')).toContainText('Docker')

  await view(admin, 'Run a command')
  await admin.getByRole('textbox', { name: 'Command' }).fill('ls')
  await admin.getByRole('textbox', { name: 'Command' }).press('Control+Enter')
  await expect(admin.getByRole('status').getByRole('alert').getByText('Docker')).toBeVisible()
  await expect(admin.getByRole('textbox', { name: 'Command' })).toHaveValue('ls')

  await admin.getByRole('button', { name: 'Purge the workspace no-engine' }).click()
  await confirm(admin, /Purge the workspace “no-engine”/, 'Purge')
  await expect(admin.locator('.ant-message')).toContainText('Docker')
  await expect(admin.getByRole('heading', { level: 1, name: 'no-engine' })).toBeVisible()
})

test('whoever has no workspace is told of the one that everybody has', async ({ page, api, server }) => {
  const password = 'works alone 1'
  await api.call('POST', '/users', { name: 'alone', email: 'alone@example.com', password, role: 'editor' })
  await signIn(page, `${server.url}/workspaces`, 'alone@example.com', password)
  await page.getByRole('link', { name: 'Open the default workspace' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'default' })).toBeVisible()
  await page.getByRole('link', { name: 'All workspaces' }).click()
  await expect(page.getByRole('link', { name: 'default', exact: true })).toBeVisible()
})

test('where instances are off, it is said what an operator sets', async ({ admin }) => {
  await admin.goto('/instances')
  await expect(admin.getByText('Instances are off')).toBeVisible()
  await expect(admin.getByText('CRAWLHUB_INSTANCES_IMAGES')).toBeVisible()
  await expect(admin.getByRole('button', { name: 'New instance' })).toHaveCount(0)
})

test('an instance that cannot be made says why, and the input stays', async ({ page }) => {
  const server = await Server.start({ CRAWLHUB_INSTANCES_IMAGES: 'first:1,second:2' })
  try {
    await signIn(page, `${server.url}/instances`)
    await expect(page.getByText('No instances yet')).toBeVisible()
    await page.getByRole('button', { name: 'New instance' }).first().click()
    const dialog = page.getByRole('dialog', { name: 'New instance' })
    await expect(dialog.getByText('first:1')).toBeVisible()
    await dialog.getByLabel('Prefix').fill('short')
    await expect(dialog.getByText('Takes 8 to 63 lower case letters and digits')).toBeVisible()
    await dialog.getByLabel('Prefix').fill('shop2026')
    await dialog.getByRole('button', { name: 'Add a variable' }).click()
    await dialog.getByRole('textbox', { name: 'Name' }).fill('CRAWLHUB_X')
    await dialog.getByRole('textbox', { name: 'Value' }).fill('1')
    await dialog.getByRole('button', { name: 'New instance' }).click()
    await expect(dialog.locator('.ant-form-item-explain-error')).toContainText('CRAWLHUB_')
    await dialog.getByRole('textbox', { name: 'Name' }).fill('MODE')
    await dialog.getByRole('button', { name: 'New instance' }).click()
    await expect(dialog.getByRole('alert').filter({ hasText: 'Docker' })).toBeVisible()
    await expect(dialog.getByLabel('Prefix')).toHaveValue('shop2026')
  } finally {
    await server.remove()
  }
})

test('a node is added with its token shown once, drained, and removed', async ({ admin, api }) => {
  await admin.goto('/nodes')
  await admin.getByRole('button', { name: 'Add a node' }).first().click()
  const dialog = admin.getByRole('dialog', { name: 'Add a node' })
  await dialog.getByLabel('Name').fill('west-1')
  await dialog.getByLabel('Labels').fill('us,')
  await dialog.getByRole('button', { name: 'Add', exact: true }).click()
  const shown = admin.getByRole('dialog', { name: 'The token of the node west-1' })
  await expect(shown).toContainText('AGENT_NODE_NAME=west-1')
  await expect(shown).toContainText('crawlhub worker')
  await shown.getByRole('button', { name: 'I have kept it' }).click()
  const row = admin.getByRole('row', { name: /west-1/ })
  await expect(row.getByText('Offline')).toBeVisible()

  await row.getByRole('button', { name: 'Drain the node west-1' }).click()
  await expect(row.getByRole('button', { name: 'Give the node west-1 tasks again' })).toBeVisible()

  const spider = await api.spider({ name: 'runs elsewhere' }, { 'main.py': 'print(1)' })
  await admin.goto(`/spiders/${spider}/settings`)
  await admin.getByLabel('Where it runs').click()
  await admin.getByTitle('Worker node').click()
  await admin.getByLabel('Labels of nodes').fill('us,')
  await admin.getByRole('button', { name: 'Save' }).click()
  await expect(admin.getByText('Saved', { exact: true })).toBeVisible()
  expect(await api.call('GET', `/crawlhub/spiders/${spider}`)).toMatchObject({ runner: 'node', node_labels: ['us'] })

  await admin.goto('/nodes')
  await row.getByRole('button', { name: 'Delete the node west-1' }).click()
  await confirm(admin, /Delete the node west-1/, 'Delete')
  await expect(row).toHaveCount(0)
})

test('a workspace on a real engine: files, a terminal, commands', async ({ page }) => {
  test.skip(!ENGINE, WITHOUT)
  test.setTimeout(900_000)
  const server = await Server.start({ DOCKER_HOST: ENGINE })
  try {
    await signIn(page, `${server.url}/workspaces/default`)
    await page.getByRole('button', { name: 'New folder' }).click()
    await page.getByRole('dialog').getByLabel('Name').fill('数据')
    await page.getByRole('dialog').getByRole('button', { name: 'Create', exact: true }).click()
    await page.getByRole('button', { name: '数据', exact: true }).click()
    await expect(page).toHaveURL(/path=/)
    await page.getByRole('button', { name: 'Upload' }).first().click()
    const dialog = page.getByRole('dialog')
    await dialog.locator('input[type=file]').setInputFiles([
      { name: '图书 1.csv', mimeType: 'text/csv', buffer: Buffer.from('title\n') },
      { name: 'large.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(8 * 1024 * 1024) },
    ])
    await dialog.getByRole('button', { name: 'Upload', exact: true }).click()
    await expect(dialog).toHaveCount(0)
    await expect(page.getByRole('cell', { name: '图书 1.csv', exact: true })).toBeVisible()
    await expect(page.getByRole('cell', { name: '8.0 MiB' })).toBeVisible()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download 图书 1.csv' }).click(),
    ])
    expect(download.suggestedFilename()).toBe('图书 1.csv')

    // The file is seen in the terminal, which fills its place.
    await view(page, 'Terminal')
    const terminal = page.getByRole('region', { name: 'Terminal' })
    await expect(terminal.getByText('Connected', { exact: true })).toBeVisible()
    await page.keyboard.type('ls 数据; stty size\n')
    const rows = terminal.locator('.xterm-rows')
    await expect(rows).toContainText('图书 1.csv')
    await expect(rows).not.toContainText('24 80')
    expect(await faultsOf(page)).toEqual([])
    // What goes on there goes on while something else is looked at.
    await view(page, 'State')
    await expect(page.getByText('1 / ').first()).toBeVisible()
    await view(page, 'Terminal')
    await terminal.getByRole('textbox').focus()
    await page.keyboard.press('Control+F6')
    await expect(terminal.getByRole('switch')).toBeFocused()
    await terminal.getByRole('textbox').focus()
    await page.keyboard.type('exit 3\n')
    await expect(terminal.getByText('The shell has ended (exit code 3)')).toBeVisible()
    await terminal.getByRole('button', { name: 'Connect again' }).click()
    await expect(terminal.getByText('Connected', { exact: true })).toBeVisible()
    await page.keyboard.type('echo $((6 * 7))-again\n')
    await expect(rows).toContainText('42-again')

    await view(page, 'Run a command')
    await page.getByRole('textbox', { name: 'Command' }).fill('echo one; sleep 1; echo two >&2; exit 3')
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await expect(page.getByText('Exit code 3')).toBeVisible()
    await expect(page.getByLabel('Output of the command')).toContainText('one\ntwo')
    await page.getByRole('textbox', { name: 'Command' }).fill('sleep 100')
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await page.getByRole('button', { name: 'End it' }).click()
    await expect(page.getByText('You have ended the command')).toBeVisible()

    await page.getByRole('button', { name: 'Purge the workspace default' }).click()
    await confirm(page, /Purge the workspace “default”/, 'Purge')
    await expect(page.getByText('No workspaces yet')).toBeVisible()
  } finally {
    await removeAll(server)
  }
})

test('an instance on a real engine is made, opened, stopped and deleted', async ({ page }) => {
  test.skip(!ENGINE, WITHOUT)
  test.setTimeout(900_000)
  const server = await Server.start({ DOCKER_HOST: ENGINE, CRAWLHUB_INSTANCES_IMAGES: IMAGE })
  try {
    await signIn(page, `${server.url}/instances`)
    await page.getByRole('button', { name: 'New instance' }).first().click()
    const dialog = page.getByRole('dialog', { name: 'New instance' })
    await dialog.getByLabel('Prefix').fill('bookshop1')
    await dialog.getByLabel('Command').fill('echo "told to listen at $PORT"; exec python3 -u -m http.server "$PORT"')
    await dialog.getByRole('button', { name: 'New instance' }).click()
    const drawer = page.getByRole('dialog', { name: 'bookshop1' })
    await expect(drawer.getByText('Running', { exact: true })).toBeVisible({ timeout: 90_000 })
    await expect(drawer.getByLabel('Output', { exact: true }).last()).toContainText('told to listen at 8080')
    expect(await faultsOf(page)).toEqual([])
    const [opened] = await Promise.all([
      page.waitForEvent('popup'),
      drawer.getByRole('button', { name: 'Open the instance bookshop1' }).click(),
    ])
    await opened.waitForURL(/bookshop1\.localhost/)
    await expect(opened.getByText('Directory listing')).toBeVisible()
    expect(opened.url()).not.toContain('tkn')
    await opened.close()
    await drawer.getByRole('button', { name: 'Stop the instance bookshop1' }).click()
    await confirm(page, /Stop the instance bookshop1/, 'Stop')
    await expect(drawer.getByText('by hand')).toBeVisible()
    await drawer.getByRole('button', { name: 'Delete the instance bookshop1' }).click()
    await confirm(page, /Delete the instance bookshop1/, 'Delete')
    await expect(page.getByText('No instances yet')).toBeVisible()
  } finally {
    await removeAll(server)
  }
})

/** With what it has on the engine, which others use after it. */
async function removeAll(server: Server) {
  const api = await Client.signIn(server.url)
  for (const { prefix } of (await api.call<{ items: { prefix: string }[] }>('GET', '/crawlhub/instances')).items) {
    await api.call('DELETE', `/crawlhub/instances/${prefix}`)
  }
  for (const { name } of await api.call<{ name: string }[]>('GET', '/crawlhub/workspaces')) {
    await api.call('DELETE', `/crawlhub/workspaces/${name}?purge=true`)
  }
  await server.remove()
}
