import { Client } from './client'
import { expect, signIn, test } from './fixtures'
import { Server } from './server'

test('whoever is not signed in is asked to, and gets where they wanted to go', async ({ page }) => {
  await signIn(page, '/alerts?view=rules')
  await expect(page).toHaveURL(/\/alerts\?view=rules$/)
  await page.reload()
  await expect(page).toHaveURL(/\/alerts\?view=rules$/)
  await page.getByRole('button', { name: 'Account' }).click()
  await page.getByText('Sign out').click()
  await expect(page).toHaveURL(/\/login/)
  await page.goto('/spiders')
  await expect(page).toHaveURL(/\/login\?next=/)
})

test('a wrong password says so, and the e-mail stays', async ({ page }) => {
  await page.goto('/login')
  await page.getByLabel('E-mail').fill('nobody@example.com')
  await page.getByLabel('Password').fill('wrong')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('alert')).toBeVisible()
  await expect(page.getByLabel('E-mail')).toHaveValue('nobody@example.com')
})

test('no link leads from the sign-in page to another site', async ({ page, server }) => {
  await signIn(page, '/login?next=//evil.example/')
  expect(page.url()).toBe(`${server.url}/`)
})

test('a session that ends in the middle of a form costs nothing of it', async ({ admin, context }) => {
  await admin.goto('/projects')
  await admin.getByRole('button', { name: 'New' }).first().click()
  await admin.getByLabel('Name').fill('不会丢失')
  // Only what is saved meets it, not what a page asks for now and then.
  const asks = /unread-count|\/projects(\?|$)/
  await admin.route(asks, (route) => (route.request().method() === 'GET' ? route.abort() : route.continue()))
  await context.clearCookies()
  await admin
    .getByRole('dialog')
    .getByRole('button', { name: /Save|New|OK|Create/ })
    .click()
  const again = admin.getByRole('dialog', { name: 'Your session is over' })
  await expect(again).toBeVisible()
  await admin.unroute(asks)
  await again.getByLabel('Password').fill('correct horse 42')
  await again.getByRole('button', { name: 'Sign in' }).click()
  await expect(again).toBeHidden()
  await expect(admin.getByRole('link', { name: '不会丢失', exact: true })).toBeVisible()
})

test('who signs out in one tab is signed out in the other, and may go on there', async ({ admin, api, context }) => {
  const password = 'another user 1'
  await api.call('POST', '/users', { name: 'other', email: 'other@example.com', password, role: 'editor' })
  const other = await context.newPage()
  await other.goto('/projects')
  await other.getByRole('button', { name: 'New project' }).first().click()
  await other.getByLabel('Name').fill('half typed')
  const signOut = async () => {
    await admin.getByRole('button', { name: 'Account' }).click()
    await admin.getByText('Sign out').click()
    await expect(admin).toHaveURL(/\/login/)
    await expect(over).toBeVisible()
  }
  const over = other.getByRole('dialog', { name: 'Your session is over' })
  await signOut()
  await signIn(admin, '/')
  await expect(over).toBeHidden()
  await expect(other.getByLabel('Name')).toHaveValue('half typed')
  // Of one's own page another user sees nothing.
  await signOut()
  await signIn(admin, '/', 'other@example.com', password)
  await expect(over).toBeHidden()
  await expect(other.getByLabel('Name')).toHaveCount(0)
  await other.getByRole('button', { name: 'Account' }).click()
  await expect(other.getByText('other@example.com')).toBeVisible()
})

test('a server that restarts is waited for', async ({ page }) => {
  const server = await Server.start()
  try {
    await Client.signIn(server.url)
    await signIn(page, `${server.url}/tasks`)
    await server.down()
    await page.getByRole('link', { name: 'Projects' }).click()
    await expect(page.getByText('The server does not answer; trying again…')).toBeVisible()
    await server.up()
    await expect(page.getByText('The server does not answer; trying again…')).toBeHidden()
    await expect(page.getByRole('link', { name: 'default', exact: true })).toBeVisible()
  } finally {
    await server.remove()
  }
})

test('the browser’s language is taken first, and another can be chosen', async ({ browser, server }) => {
  const page = await (await browser.newContext({ locale: 'zh-TW', baseURL: server.url })).newPage()
  await page.goto('/login')
  await expect(page.getByRole('button', { name: '登录' })).toBeVisible()
  await page.getByRole('button', { name: '语言' }).click()
  await page.getByText('English').click()
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible()
  await page.reload()
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible()
  await page.context().close()
})

test('a viewer is shown no button that would be refused', async ({ page, api }) => {
  const password = 'reads only 1'
  await api.call('POST', '/users', { name: 'reader', email: 'reader@example.com', password, role: 'viewer' })
  const spider = await api.spider({ name: 'looked at' }, { 'main.py': 'print(1)' })
  await signIn(page, `/spiders/${spider}`, 'reader@example.com', password)
  await expect(page.getByRole('heading', { level: 1, name: 'looked at' })).toBeVisible()
  await expect(page.getByRole('button', { name: 'Run' })).toHaveCount(0)
  await expect(page.getByRole('link', { name: 'Users' })).toHaveCount(0)
  await page.goto('/users')
  await expect(page.getByRole('alert').first()).toBeVisible()
})
