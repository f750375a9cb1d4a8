import accounts from './accounts'
import alerts from './alerts'
import codeSessions from './codeSessions'
import common from './common'
import dashboard from './dashboard'
import data from './data'
import datasources from './datasources'
import files from './files'
import projects from './projects'
import proxies from './proxies'
import schedules from './schedules'
import settings from './settings'
import spiders from './spiders'
import tasks from './tasks'
import versions from './versions'

export default {
  accounts,
  alerts,
  codeSessions,
  common,
  dashboard,
  data,
  datasources,
  files,
  projects,
  proxies,
  schedules,
  settings,
  spiders,
  tasks,
  versions,
}
