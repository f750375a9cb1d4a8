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
import { Broken, missing } from './Broken'
import { NotFound } from './NotFound'
import { Shell } from './Shell'

const root = createRootRouteWithContext<{ client: QueryClient }>()({ component: Outlet })

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  component: lazyRouteComponent(() => import('../features/session/SignInPage').catch(missing), 'SignInPage'),
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
  component: lazyRouteComponent(() => import('../features/dashboard/DashboardPage').catch(missing), 'DashboardPage'),
})

const projects = createRoute({
  getParentRoute: () => inside,
  path: '/projects',
  component: lazyRouteComponent(() => import('../features/projects/ProjectsPage').catch(missing), 'ProjectsPage'),
  validateSearch: search((given) => given.page()),
})

const spiders = createRoute({
  getParentRoute: () => inside,
  path: '/spiders',
  component: lazyRouteComponent(() => import('../features/spiders/SpidersPage').catch(missing), 'SpidersPage'),
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
  component: lazyRouteComponent(() => import('../features/spiders/SpiderPage').catch(missing), 'SpiderPage'),
})

const spiderOverview = createRoute({
  getParentRoute: () => spider,
  path: '/',
  component: lazyRouteComponent(() => import('../features/spiders/overview/OverviewTab').catch(missing), 'OverviewTab'),
})

const spiderFiles = createRoute({
  getParentRoute: () => spider,
  path: '/files',
  component: lazyRouteComponent(() => import('../features/files/FilesTab').catch(missing), 'FilesTab'),
  validateSearch: search((given) => ({ path: given.text('path') })),
})

const spiderSchedule = createRoute({
  getParentRoute: () => spider,
  path: '/schedule',
  component: lazyRouteComponent(() => import('../features/schedules/ScheduleTab').catch(missing), 'ScheduleTab'),
  validateSearch: search((given) => ({
    schedule: given.text('schedule'),
    month: given.text('month'),
    day: given.text('day'),
  })),
})

const spiderTasks = createRoute({
  getParentRoute: () => spider,
  path: '/tasks',
  component: lazyRouteComponent(() => import('../features/tasks/SpiderTasksTab').catch(missing), 'SpiderTasksTab'),
  validateSearch: search(taskSearch),
})

const spiderData = createRoute({
  getParentRoute: () => spider,
  path: '/data',
  component: lazyRouteComponent(() => import('../features/data/SpiderDataTab').catch(missing), 'SpiderDataTab'),
  validateSearch: search(dataSearch),
})

const spiderErrors = createRoute({
  getParentRoute: () => spider,
  path: '/errors',
  component: lazyRouteComponent(() => import('../features/tasks/ErrorsTab').catch(missing), 'ErrorsTab'),
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
  component: lazyRouteComponent(() => import('../features/versions/VersionsTab').catch(missing), 'VersionsTab'),
  validateSearch: search((given) => given.page()),
})

const spiderSettings = createRoute({
  getParentRoute: () => spider,
  path: '/settings',
  component: lazyRouteComponent(() => import('../features/spiders/settings/SettingsTab').catch(missing), 'SettingsTab'),
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
  component: lazyRouteComponent(() => import('../features/tasks/TasksPage').catch(missing), 'TasksPage'),
  validateSearch: search(taskSearch),
})

const task = createRoute({
  getParentRoute: () => inside,
  path: '/tasks/$taskId',
  component: lazyRouteComponent(() => import('../features/tasks/TaskPage').catch(missing), 'TaskPage'),
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
  component: lazyRouteComponent(() => import('../features/schedules/SchedulesPage').catch(missing), 'SchedulesPage'),
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
  component: lazyRouteComponent(() => import('../features/data/DataPage').catch(missing), 'DataPage'),
  validateSearch: search(dataSearch),
})

const alerts = createRoute({
  getParentRoute: () => inside,
  path: '/alerts',
  component: lazyRouteComponent(() => import('../features/alerts/AlertsPage').catch(missing), 'AlertsPage'),
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
  component: lazyRouteComponent(
    () => import('../features/codeSessions/CodeSessionsPage').catch(missing),
    'CodeSessionsPage',
  ),
  validateSearch: search((given) => given.page()),
})

const datasources = createRoute({
  getParentRoute: () => inside,
  path: '/datasources',
  component: lazyRouteComponent(
    () => import('../features/datasources/DatasourcesPage').catch(missing),
    'DatasourcesPage',
  ),
  validateSearch: search((given) => given.page()),
})

const proxies = createRoute({
  getParentRoute: () => inside,
  path: '/proxies',
  component: lazyRouteComponent(() => import('../features/proxies/ProxiesPage').catch(missing), 'ProxiesPage'),
  validateSearch: search((given) => ({
    ...given.page(),
    status: given.one('status', ['active', 'inactive', 'cooldown']),
  })),
})

const users = createRoute({
  getParentRoute: () => inside,
  path: '/users',
  component: lazyRouteComponent(() => import('../features/accounts/UsersPage').catch(missing), 'UsersPage'),
  validateSearch: search((given) => given.page()),
})

const tokens = createRoute({
  getParentRoute: () => inside,
  path: '/tokens',
  component: lazyRouteComponent(() => import('../features/accounts/TokensPage').catch(missing), 'TokensPage'),
})

const audit = createRoute({
  getParentRoute: () => inside,
  path: '/audit',
  component: lazyRouteComponent(() => import('../features/accounts/AuditPage').catch(missing), 'AuditPage'),
  validateSearch: search((given) => given.page()),
})

const settings = createRoute({
  getParentRoute: () => inside,
  path: '/settings',
  component: lazyRouteComponent(() => import('../features/settings/SettingsPage').catch(missing), 'SettingsPage'),
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
    datasources,
    proxies,
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
