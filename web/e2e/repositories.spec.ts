import { expect, test } from './fixtures'

const API = '/platform/api/crawlhub'

test('a repository that cannot be reached says why, and is given another address', async ({ admin }) => {
  await admin.goto('/projects')
  await admin.getByRole('button', { name: 'Clone from git' }).first().click()
  const dialog = admin.getByRole('dialog', { name: 'Clone from git' })
  await dialog.getByLabel('Name').fill('news')
  await dialog.getByLabel('Address').fill('ftp://git.example/news.git')
  await dialog.getByRole('button', { name: 'Clone', exact: true }).click()
  await expect(dialog.getByRole('alert').or(dialog.locator('.ant-form-item-explain-error')).first()).toBeVisible()
  await dialog.getByLabel('Address').fill('https://127.0.0.1:9/news.git')
  await dialog.getByText('Token (https)').click()
  await dialog.getByLabel('Token', { exact: true }).fill('secret')
  await dialog.getByRole('button', { name: 'Clone', exact: true }).click()
  const drawer = admin.getByRole('dialog', { name: 'Repository of news' })
  await expect(drawer.getByText('The repository could not be fetched')).toBeVisible()
  await expect(drawer.getByText('Token (https)')).toBeVisible()

  await drawer.getByRole('button', { name: 'Webhook' }).click()
  const shown = admin.getByRole('dialog', { name: 'Webhook' })
  await expect(shown).toContainText(`${API}/projects/`)
  await shown.getByRole('button', { name: 'I have kept it' }).click()
  await drawer.getByRole('button', { name: 'New webhook secret' }).click()
  await admin.getByRole('dialog', { name: 'A new secret' }).getByRole('button', { name: 'Cancel' }).click()

  await drawer.getByRole('button', { name: 'Settings' }).click()
  const settings = admin.getByRole('dialog', { name: 'Repository of news' }).last()
  await expect(settings.getByLabel('As it is')).toBeChecked()
  await settings.getByLabel('Address').fill('')
  await settings.getByRole('button', { name: 'Save' }).click()
  await expect(drawer.getByText('This project has no repository')).toBeVisible()
})

test('a folder of a repository becomes a spider', async ({ admin, api }) => {
  const { id } = await api.call<{ id: string }>('POST', '/crawlhub/projects', { name: 'of git' })
  const commit = '1a2b3c4d5e6f'.repeat(4).slice(0, 40)
  // What a server says that has fetched one: there is no forge here.
  await admin.route(`**${API}/projects/${id}`, async (route) => {
    const answer = await route.fetch()
    const body = (await answer.json()) as { data: object }
    Object.assign(body.data, { git_url: 'https://git.example/n.git', git_commit: commit, git_subject: 'first' })
    await route.fulfill({ response: answer, json: body })
  })
  await admin.route(`**${API}/projects/${id}/tree*`, async (route) => {
    const isRoot = !new URL(route.request().url()).searchParams.get('path')
    const entries = isRoot
      ? [
          { kind: 'folder', name: 'shop', path: 'shop', size: 12 },
          { kind: 'link', name: 'elsewhere', path: 'elsewhere', size: 0 },
        ]
      : [{ kind: 'file', name: 'main.py', path: 'shop/main.py', size: 12 }]
    await route.fulfill({ json: { code: 200, msg: 'ok', data: { commit, path: '', entries, truncated: false } } })
  })
  await admin.goto(`/projects?shown=${id}`)
  const drawer = admin.getByRole('dialog', { name: 'Repository of of git' })
  await expect(drawer.getByText('1a2b3c4d5e6f', { exact: true })).toBeVisible()
  await expect(drawer.getByText('a link or a submodule: left out')).toBeVisible()
  await drawer.getByRole('button', { name: 'shop' }).click()
  await expect(drawer.getByText('main.py')).toBeVisible()
  await drawer.getByRole('button', { name: 'Make a spider of this folder' }).click()
  const dialog = admin.getByRole('dialog', { name: 'New spider from the repository' })
  await expect(dialog.getByLabel('Name')).toHaveValue('shop')
  const [asked] = await Promise.all([
    admin.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith(`${API}/spiders`)),
    dialog.getByRole('button', { name: 'Create', exact: true }).click(),
  ])
  expect(asked.postDataJSON()).toMatchObject({ name: 'shop', project_id: id, source: 'git', git_repo: 'shop' })
})
