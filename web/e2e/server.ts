import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'

const BINARY = resolve(process.env.CRAWLHUB_BIN ?? '../target/debug/crawlhub')

export const EMAIL = 'admin@crawlhub.local'
export const PASSWORD = 'correct horse 42'

/** The server as an operator starts it, with a data directory of its own. */
export class Server {
  private child: ChildProcess | null = null
  private port = '0'

  private constructor(
    private readonly folder: string,
    private readonly settings: Record<string, string>,
  ) {}

  static async start(settings: Record<string, string> = {}): Promise<Server> {
    const server = new Server(await mkdtemp(join(tmpdir(), 'crawlhub-ui-')), settings)
    await server.up()
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Where it was before. */
  async up(): Promise<void> {
    const env = {
      PATH: process.env.PATH,
      CRAWLHUB_DATA_DIR: join(this.folder, 'data'),
      CRAWLHUB_LISTEN: `127.0.0.1:${this.port}`,
      CRAWLHUB_ADMIN_PASSWORD: PASSWORD,
      DOCKER_HOST: `unix://${this.folder}/no-docker.sock`,
      ...this.settings,
    }
    this.child = spawn(BINARY, ['serve'], { cwd: this.folder, env, stdio: ['ignore', 'pipe', 'ignore'] })
    const lines = createInterface({ input: this.child.stdout! })
    const first = await new Promise<string>((found, failed) => {
      lines.once('line', found)
      this.child!.once('error', failed)
      this.child!.once('exit', (code) => failed(new Error(`the server ended with ${code}`)))
    })
    this.port = new URL(first.split(/\s+/)[1]!).port
  }

  async down(): Promise<void> {
    const child = this.child
    this.child = null
    if (child?.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((ended) => child.once('exit', ended))
    child.kill('SIGTERM')
    await ended
  }

  async remove(): Promise<void> {
    await this.down()
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
}
