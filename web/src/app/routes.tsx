import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { Skeleton } from 'antd'

import { ApiError } from '../api/errors'
import { renew } from '../api/fetch'
import { profile } from '../features/session/profile'
import { loadWords, type Words } from '../i18n'
import { Broken, missing } from './Broken'
import { NotFound } from './NotFound'
import { Shell } from './Shell'

const root = createRootRouteWithContext<{ client: QueryClient }>()({ component: Outlet })

/** A page, whose code and words come when somebody goes there first. */
function page<M extends Record<string, unknown>, K extends keyof M>(
  load: () => Promise<M>,
  name: K,
  ...words: Words[]
) {
  return lazyRouteComponent(() => Promise.all([load(), loadWords(words)]).then(([found]) => found, missing), name)
}

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  component: page(() => import('../features/session/SignInPage'), 'SignInPage'),
  // Only a page of this site: a link must not lead elsewhere from here.
  validateSearch: ({ next }: Record<string, unknown>): { next?: string } =>
    typeof next === 'string' && /^\/(?![/\\])/.test(next) ? { next } : {},
})

/** Everything that takes a session. */
const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  component: Shell,
  beforeLoad: async ({ context, location }) => {
    try {
      await context.client.query({ ...profile(), staleTime: 'static' })
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401)) throw error
      if (!(await renew())) throw redirect({ to: '/login', search: { next: location.href } })
      await context.client.query({ ...profile(), staleTime: 'static' })
    }
  },
})

/** Search parameters as the address has them; each page reads those it knows. */
function search<T>(read: (given: Given) => T) {
  return (given: Record<string, unknown>): Partial<T> => read(new Given(given))
}

class Given {
  constructor(private readonly given: Record<string, unknown>) {}

  text(name: string): string | undefined {
    const found = this.given[name]
    return typeof found === 'number' || typeof found === 'boolean' || (typeof found === 'string' && found)
      ? String(found)
      : undefined
  }

  number(name: string): number | undefined {
    const found = Number(this.given[name])
    return Number.isInteger(found) && found > 0 ? found : undefined
  }

  one<T extends string>(name: string, known: readonly T[]): T | undefined {
    return known.find((value) => value === this.given[name])
  }

  flag(name: string): boolean | undefined {
    const found = this.given[name]
    return found === true || found === 'true' ? true : found === false || found === 'false' ? false : undefined
  }

  texts(name: string): string[] | undefined {
    const found = this.given[name]
    return Array.isArray(found) && found.length > 0 ? found.map(String) : undefined
  }

  page() {
    return { page: this.number('page'), page_size: this.number('page_size') }
  }
}

/** Of a log's lines. */
const LEVELS = ['debug', 'info', 'warning', 'error', 'critical'] as const

const dashboard = createRoute({
  getParentRoute: () => inside,
  path: '/',
  component: page(() => import('../features/dashboard/DashboardPage'), 'DashboardPage', 'dashboard', 'tasks'),
})

const projects = createRoute({
  getParentRoute: () => inside,
  path: '/projects',
  component: page(() => import('../features/projects/ProjectsPage'), 'ProjectsPage', 'projects', 'nodes'),
  validateSearch: search((given) => ({ ...given.page(), shown: given.text('shown') })),
})

const spiders = createRoute({
  getParentRoute: () => inside,
  path: '/spiders',
  component: page(() => import('../features/spiders/SpidersPage'), 'SpidersPage', 'spiders', 'tasks'),
  validateSearch: search((given) => ({
    ...given.page(),
    keyword: given.text('keyword'),
    project_id: given.text('project_id'),
    is_active: given.flag('is_active'),
  })),
})

const spider = createRoute({
  getParentRoute: () => inside,
  path: '/spiders/$spiderId',
  component: page(() => import('../features/spiders/SpiderPage'), 'SpiderPage', 'spiders', 'codeSessions', 'tasks'),
})

const spiderOverview = createRoute({
  getParentRoute: () => spider,
  path: '/',
  component: page(() => import('../features/spiders/overview/OverviewTab'), 'OverviewTab', 'spiders', 'tasks'),
})

const spiderFiles = createRoute({
  getParentRoute: () => spider,
  path: '/files',
  component: page(() => import('../features/files/FilesTab'), 'FilesTab', 'files', 'tasks'),
  validateSearch: search((given) => ({ path: given.text('path') })),
})

const spiderSchedule = createRoute({
  getParentRoute: () => spider,
  path: '/schedule',
  component: page(() => import('../features/schedules/ScheduleTab'), 'ScheduleTab', 'schedules'),
  validateSearch: search((given) => ({
    schedule: given.text('schedule'),
    month: given.text('month'),
    day: given.text('day'),
  })),
})

const spiderTasks = createRoute({
  getParentRoute: () => spider,
  path: '/tasks',
  component: page(() => import('../features/tasks/SpiderTasksTab'), 'SpiderTasksTab', 'tasks'),
  validateSearch: search(taskSearch),
})

const spiderData = createRoute({
  getParentRoute: () => spider,
  path: '/data',
  component: page(() => import('../features/data/SpiderDataTab'), 'SpiderDataTab', 'datasources', 'data', 'tasks'),
  validateSearch: search(dataSearch),
})

const spiderErrors = createRoute({
  getParentRoute: () => spider,
  path: '/errors',
  component: page(() => import('../features/tasks/ErrorsTab'), 'ErrorsTab', 'tasks'),
  validateSearch: search((given) => ({
    ...given.page(),
    q: given.text('q'),
    level: given.one('level', LEVELS),
    from: given.text('from'),
    to: given.text('to'),
  })),
})

const spiderVersions = createRoute({
  getParentRoute: () => spider,
  path: '/versions',
  component: page(() => import('../features/versions/VersionsTab'), 'VersionsTab', 'versions'),
  validateSearch: search((given) => given.page()),
})

const spiderSettings = createRoute({
  getParentRoute: () => spider,
  path: '/settings',
  component: page(
    () => import('../features/spiders/settings/SettingsTab'),
    'SettingsTab',
    'spiders',
    'projects',
    'nodes',
  ),
})

function taskSearch(given: Given) {
  return {
    ...given.page(),
    spider_id: given.text('spider_id'),
    status: given.one('status', ['pending', 'running', 'completed', 'failed', 'cancelled']),
    trigger_type: given.one('trigger_type', ['manual', 'schedule', 'retry', 'test']),
    is_test: given.flag('is_test'),
  }
}

const tasks = createRoute({
  getParentRoute: () => inside,
  path: '/tasks',
  component: page(() => import('../features/tasks/TasksPage'), 'TasksPage', 'tasks'),
  validateSearch: search(taskSearch),
})

const task = createRoute({
  getParentRoute: () => inside,
  path: '/tasks/$taskId',
  component: page(() => import('../features/tasks/TaskPage'), 'TaskPage', 'tasks'),
  validateSearch: search((given) => ({
    tab: given.one('tab', ['log', 'items', 'attempts', 'files']),
    // The rest is the log's: a line of it, and which lines it shows.
    line: given.number('line'),
    q: given.text('q'),
    level: given.one('level', LEVELS),
    stream: given.one('stream', ['stdout', 'stderr', 'system']),
  })),
})

const schedules = createRoute({
  getParentRoute: () => inside,
  path: '/schedules',
  component: page(() => import('../features/schedules/SchedulesPage'), 'SchedulesPage', 'schedules'),
  validateSearch: search((given) => given.page()),
})

function dataSearch(given: Given) {
  return {
    ...given.page(),
    view: given.one('view', ['items', 'fields', 'quarantine', 'changes']),
    spider_id: given.text('spider_id'),
    task_id: given.text('task_id'),
    is_test: given.flag('is_test'),
    q: given.text('q'),
    filter: given.texts('filter'),
    sort: given.text('sort'),
    cursor: given.text('cursor'),
    // How far back changes are told.
    since: given.one('since', ['run', 'day', 'week', 'month', 'ever']),
  }
}

const data = createRoute({
  getParentRoute: () => inside,
  path: '/data',
  component: page(() => import('../features/data/DataPage'), 'DataPage', 'data', 'datasources', 'tasks'),
  validateSearch: search(dataSearch),
})

const alerts = createRoute({
  getParentRoute: () => inside,
  path: '/alerts',
  component: page(() => import('../features/alerts/AlertsPage'), 'AlertsPage', 'alerts'),
  validateSearch: search((given) => ({
    ...given.page(),
    view: given.one('view', ['alerts', 'rules', 'channels', 'deliveries']),
    level: given.one('level', ['info', 'warning', 'error']),
    is_read: given.flag('is_read'),
    status: given.one('status', ['pending', 'delivered', 'failed']),
  })),
})

const codeSessions = createRoute({
  getParentRoute: () => inside,
  path: '/code-sessions',
  component: page(() => import('../features/codeSessions/CodeSessionsPage'), 'CodeSessionsPage', 'codeSessions'),
  validateSearch: search((given) => given.page()),
})

const workspaces = createRoute({
  getParentRoute: () => inside,
  path: '/workspaces',
  component: page(() => import('../features/workspaces/WorkspacesPage'), 'WorkspacesPage', 'workspaces'),
})

const workspace = createRoute({
  getParentRoute: () => inside,
  path: '/workspaces/$name',
  component: page(() => import('../features/workspaces/WorkspacePage'), 'WorkspacePage', 'workspaces', 'terminal'),
  validateSearch: search((given) => ({
    view: given.one('view', ['files', 'terminal', 'command', 'state']),
    // Of a folder, and how far into it.
    path: given.text('path'),
    page: given.number('page'),
  })),
})

const instances = createRoute({
  getParentRoute: () => inside,
  path: '/instances',
  component: page(() => import('../features/instances/InstancesPage'), 'InstancesPage', 'instances'),
  validateSearch: search((given) => ({ ...given.page(), shown: given.text('shown') })),
})

const datasources = createRoute({
  getParentRoute: () => inside,
  path: '/datasources',
  component: page(() => import('../features/datasources/DatasourcesPage'), 'DatasourcesPage', 'datasources'),
  validateSearch: search((given) => given.page()),
})

const proxies = createRoute({
  getParentRoute: () => inside,
  path: '/proxies',
  component: page(() => import('../features/proxies/ProxiesPage'), 'ProxiesPage', 'proxies'),
  validateSearch: search((given) => ({
    ...given.page(),
    status: given.one('status', ['active', 'inactive', 'cooldown']),
  })),
})

const nodes = createRoute({
  getParentRoute: () => inside,
  path: '/nodes',
  component: page(() => import('../features/nodes/NodesPage'), 'NodesPage', 'nodes'),
  validateSearch: search((given) => given.page()),
})

const users = createRoute({
  getParentRoute: () => inside,
  path: '/users',
  component: page(() => import('../features/accounts/UsersPage'), 'UsersPage', 'accounts'),
  validateSearch: search((given) => given.page()),
})

const tokens = createRoute({
  getParentRoute: () => inside,
  path: '/tokens',
  component: page(() => import('../features/accounts/TokensPage'), 'TokensPage', 'accounts'),
})

const audit = createRoute({
  getParentRoute: () => inside,
  path: '/audit',
  component: page(() => import('../features/accounts/AuditPage'), 'AuditPage', 'accounts'),
  validateSearch: search((given) => given.page()),
})

const settings = createRoute({
  getParentRoute: () => inside,
  path: '/settings',
  component: page(() => import('../features/settings/SettingsPage'), 'SettingsPage', 'settings'),
})

/** Every page, by its address. */
const tree = root.addChildren([
  login,
  inside.addChildren([
    dashboard,
    projects,
    spiders,
    spider.addChildren([
      spiderOverview,
      spiderFiles,
      spiderSchedule,
      spiderTasks,
      spiderData,
      spiderErrors,
      spiderVersions,
      spiderSettings,
    ]),
    tasks,
    task,
    schedules,
    data,
    alerts,
    codeSessions,
    workspaces,
    workspace,
    instances,
    datasources,
    proxies,
    nodes,
    users,
    tokens,
    audit,
    settings,
  ]),
])

export function makeRouter(client: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { client },
    defaultPreload: 'intent',
    // What a page does not know is no part of its address: `next` is only what `login` let through.
    search: { strict: true },
    scrollRestoration: true,
    defaultPendingComponent: () => <Skeleton active style={{ padding: 24 }} />,
    defaultErrorComponent: Broken,
    defaultNotFoundComponent: NotFound,
  })
}
