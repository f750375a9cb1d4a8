import accounts from './accounts'
import alerts from './alerts'
import codeSessions from './codeSessions'
import common from './common'
import dashboard from './dashboard'
import data from './data'
import datasources from './datasources'
import files from './files'
import instances from './instances'
import nodes from './nodes'
import projects from './projects'
import proxies from './proxies'
import schedules from './schedules'
import settings from './settings'
import spiders from './spiders'
import tasks from './tasks'
import terminal from './terminal'
import versions from './versions'
import workspaces from './workspaces'

export default {
  accounts,
  alerts,
  codeSessions,
  common,
  dashboard,
  data,
  datasources,
  files,
  instances,
  nodes,
  projects,
  proxies,
  schedules,
  settings,
  spiders,
  tasks,
  terminal,
  versions,
  workspaces,
}
