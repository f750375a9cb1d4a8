import type zh from '../../../i18n/zh/accounts'

export interface Deed {
  verb: keyof typeof zh.verb
  object: keyof typeof zh.object
  /** What it was done to, where that has a page. */
  spiderId?: string
  taskId?: string
}

const OBJECTS: Record<string, Deed['object']> = {
  projects: 'project',
  spiders: 'spider',
  tasks: 'task',
  schedules: 'schedule',
  files: 'file',
  deployments: 'version',
  errors: 'errorKind',
  data: 'data',
  quarantine: 'quarantine',
  'alert-rules': 'rule',
  alerts: 'alert',
  channels: 'channel',
  deliveries: 'delivery',
  datasources: 'datasource',
  proxies: 'proxy',
  users: 'user',
  tokens: 'token',
  password: 'password',
  'code-session': 'editor',
  'code-sessions': 'editor',
  workspace: 'workspace',
  workspaces: 'workspace',
  instances: 'instance',
  nodes: 'node',
  storage: 'storage',
  logout: 'session',
}

/** Words at the end of an address that say what is done; else the method does. */
const VERBS: Record<string, Deed['verb']> = {
  run: 'run',
  'test-run': 'testRun',
  test: 'test',
  cancel: 'cancel',
  retry: 'retry',
  read: 'read',
  'read-all': 'read',
  replay: 'replay',
  start: 'start',
  stop: 'stop',
  toggle: 'toggle',
  check: 'check',
  'check-all': 'check',
  upload: 'upload',
  'upload-zip': 'upload',
  deactivate: 'deactivate',
  restore: 'restore',
  rollback: 'activate',
  sync: 'sync',
  pull: 'sync',
  webhook: 'sync',
  exec: 'run',
  stream: 'run',
  open: 'open',
  'rotate-token': 'change',
  'webhook-secret': 'change',
  folder: 'create',
  heartbeat: 'keepOpen',
  clean: 'clean',
  refused: 'giveUp',
  logout: 'signOut',
  batch: 'add',
}

const METHODS: Record<string, Deed['verb']> = { POST: 'create', PUT: 'change', PATCH: 'change', DELETE: 'delete' }

/** What somebody did who called this; null where that is not known in words. */
export function deedOf(method: string, path: string): Deed | null {
  const words = path.replace(/^\/platform\/api\/(crawlhub\/)?/, '').split('/')
  const last = words.at(-1) ?? ''
  const named = words.findLast((word) => word in OBJECTS)
  const object = named && (words[0] === 'spiders' && named === 'datasources' ? 'output' : OBJECTS[named])
  const verb = VERBS[last] ?? verbOf(method, object)
  if (!object || !verb) return null
  // A deletion took what it names.
  const isGone = method === 'DELETE' && words.length === 2
  const id = isGone ? undefined : words[1]
  return {
    verb,
    object,
    ...(words[0] === 'spiders' && id ? { spiderId: id } : {}),
    ...(words[0] === 'tasks' && id ? { taskId: id } : {}),
  }
}

function verbOf(method: string, object: Deed['object'] | '' | undefined): Deed['verb'] | undefined {
  if (object === 'editor') return method === 'DELETE' ? 'close' : 'open'
  return METHODS[method]
}
