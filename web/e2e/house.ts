import type { Client } from './client'

const BOOKS = `from crawlhub import save_item, log
for n in range(40):
    save_item({'title': f'Book {n} 书', 'price': n * 3.5, 'author': {'name': '王小明'}, 'url': f'http://books.example/{n}'})
log('info', 'all books seen')
`
const BROKEN = `raise ValueError('no selector .price')\n`

export interface House {
  project: string
  books: string
  task: string
  failed: string
}

/** A house that somebody lives in: every page has something to show. */
export async function furnish(api: Client): Promise<House> {
  const project = await api.call<{ id: string }>('POST', '/crawlhub/projects', { name: '图书 Books' })
  const books = await api.spider(
    {
      name: 'books 图书',
      project_id: project.id,
      description: '图书价格监控',
      cron_expr: '0 3 * * *',
      timezone: 'Asia/Shanghai',
      item_schema: { type: 'object', properties: { price: { type: 'number', maximum: 100 } } },
    },
    { 'main.py': BOOKS, 'lib/parse.py': 'X = 1\n' },
  )
  await api.call('POST', `/crawlhub/spiders/${books}/deployments`, { deploy_note: '第一版' })
  const task = await api.run(books)
  const broken = await api.spider({ name: 'عناوين الأخبار', project_id: project.id }, { 'main.py': BROKEN })
  const failed = await api.run(broken)
  await api.call('POST', '/crawlhub/notifications/channels', {
    name: 'ops',
    channel_type: 'webhook',
    config: JSON.stringify({ url: 'http://127.0.0.1:9/hook' }),
  })
  await api.call('POST', '/crawlhub/alert-rules', {
    name: '失败太多',
    rule_type: 'task_failure_rate',
    condition: { threshold: 0.5, window_minutes: 30 },
  })
  await api.call('POST', '/crawlhub/proxies', { host: 'proxy.example', port: 3128 })
  await api.call('POST', '/users', {
    name: '只读',
    email: 'viewer@example.com',
    password: 'viewer password 1',
    role: 'viewer',
  })
  const { id: cloned } = await api.call<{ id: string }>('POST', '/crawlhub/projects/clone', {
    name: '克隆 cloned',
    git_url: 'https://127.0.0.1:9/team/news.git',
    git_branch: 'main',
  })
  await api.call('POST', '/crawlhub/nodes', { name: 'east-1', hostname: 'east-1.internal', labels: ['cn', 'fast'] })
  await api.call('POST', '/crawlhub/workspaces', { name: 'scratch' })
  return { project: cloned, books, task, failed }
}

/** Every page that there is, by a name for its picture. */
export const pages = ({ project, books, task, failed }: House): Record<string, string> => ({
  dashboard: '/',
  projects: '/projects',
  'project-repository': `/projects?shown=${project}`,
  spiders: '/spiders',
  spider: `/spiders/${books}`,
  'spider-files': `/spiders/${books}/files?path=main.py`,
  'spider-schedule': `/spiders/${books}/schedule`,
  'spider-tasks': `/spiders/${books}/tasks`,
  'spider-data': `/spiders/${books}/data`,
  'spider-errors': `/spiders/${books}/errors`,
  'spider-versions': `/spiders/${books}/versions`,
  'spider-settings': `/spiders/${books}/settings`,
  tasks: '/tasks',
  'task-log': `/tasks/${task}?tab=log`,
  'task-items': `/tasks/${task}?tab=items`,
  'task-attempts': `/tasks/${failed}?tab=attempts`,
  schedules: '/schedules',
  data: `/data?spider_id=${books}`,
  'data-fields': `/data?spider_id=${books}&view=fields`,
  'data-quarantine': `/data?spider_id=${books}&view=quarantine`,
  'data-changes': `/data?spider_id=${books}&view=changes`,
  alerts: '/alerts',
  'alert-rules': '/alerts?view=rules',
  'alert-channels': '/alerts?view=channels',
  'alert-deliveries': '/alerts?view=deliveries',
  'code-sessions': '/code-sessions',
  workspaces: '/workspaces',
  'workspace-files': '/workspaces/scratch',
  'workspace-terminal': '/workspaces/scratch?view=terminal',
  'workspace-command': '/workspaces/scratch?view=command',
  'workspace-state': '/workspaces/scratch?view=state',
  instances: '/instances',
  nodes: '/nodes',
  datasources: '/datasources',
  proxies: '/proxies',
  users: '/users',
  tokens: '/tokens',
  audit: '/audit',
  settings: '/settings',
})
