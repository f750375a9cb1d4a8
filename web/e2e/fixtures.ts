import { test as base, type Page } from '@playwright/test'

import { Client } from './client'
import { EMAIL, PASSWORD, Server } from './server'

export { expect } from '@playwright/test'

interface Own {
  /** The server's API, by the administrator's token. */
  api: Client
  /** A page on which the administrator is signed in. */
  admin: Page
}

/** Tests in one worker share a server: each makes what it needs, under names of its own. */
export const test = base.extend<Own, { server: Server }>({
  server: [
    // eslint-disable-next-line no-empty-pattern -- Playwright reads what a fixture needs from this pattern
    async ({}, give) => {
      const server = await Server.start()
      await give(server)
      await server.remove()
    },
    { scope: 'worker', timeout: 180_000 },
  ],
  baseURL: async ({ server }, give) => give(server.url),
  api: async ({ server }, give) => give(await Client.signIn(server.url)),
  admin: async ({ page }, give) => {
    await signIn(page, '/')
    await give(page)
  },
})

/** Through the form, as a person does. */
export async function signIn(page: Page, path: string, email = EMAIL, password = PASSWORD) {
  await page.goto(path)
  await page.getByLabel(/^(E-mail|邮箱)$/).fill(email)
  await page.getByLabel(/^(Password|密码)$/).fill(password)
  await page.getByRole('button', { name: /^(Sign in|登录)$/ }).click()
  await page.waitForURL((url) => url.pathname !== '/login')
  // The page is there, not only its address.
  await page.locator('#main').getByRole('heading', { level: 1 }).waitFor()
}
