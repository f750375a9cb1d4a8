import { EMAIL, PASSWORD } from './server'

const API = '/platform/api'

/** The API as a program uses it: what a test needs to be there, and what it looks at afterwards. */
export class Client {
  private constructor(
    private readonly url: string,
    private readonly headers: Record<string, string>,
  ) {}

  static async signIn(url: string, email = EMAIL, password = PASSWORD): Promise<Client> {
    const answer = await fetch(`${url}${API}/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ email, password }),
    })
    if (!answer.ok) throw new Error(await answer.text())
    const cookies = answer.headers.getSetCookie().map((cookie) => cookie.split(';')[0]!)
    const csrf = cookies.find((cookie) => cookie.startsWith('admin_csrf_token='))!.split('=')[1]!
    return new Client(url, {
      'Content-Type': 'application/json',
      Cookie: cookies.join('; '),
      'X-CSRF-Token': decodeURIComponent(csrf),
    })
  }

  /** `path` below `/platform/api`. */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(`${this.url}${API}${path}`, {
      method,
      headers: this.headers,
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`)
    return ((await answer.json()) as { data: T }).data
  }

  /** A spider with these files; its id. */
  async spider(
    fields: { name: string } & Record<string, unknown>,
    files: Record<string, string> = {},
  ): Promise<string> {
    const { id } = await this.call<{ id: string }>('POST', '/crawlhub/spiders', { max_retries: 0, ...fields })
    for (const [path, content] of Object.entries(files)) {
      await this.call('POST', `/crawlhub/spiders/${id}/files/new`, { path, content })
    }
    return id
  }

  async content(spider: string, path: string): Promise<string> {
    const files = await this.call<{ id: string; path: string }[]>('GET', `/crawlhub/spiders/${spider}/files`)
    const { id } = files.find((file) => file.path === path)!
    return (await this.call<{ content: string }>('GET', `/crawlhub/spiders/${spider}/files/${id}/content`)).content
  }

  /** Runs the spider to its end; the task's id. */
  async run(spider: string): Promise<string> {
    const { id } = await this.call<{ id: string }>('POST', `/crawlhub/spiders/${spider}/run`, {})
    for (;;) {
      const { status } = await this.call<{ status: string }>('GET', `/crawlhub/tasks/${id}`)
      if (!['pending', 'running'].includes(status)) return id
      await new Promise((later) => setTimeout(later, 100))
    }
  }
}
