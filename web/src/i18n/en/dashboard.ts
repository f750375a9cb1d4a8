import type { Texts } from '..'
import type zh from '../zh/dashboard'

const texts: Texts<typeof zh> = {
  title: 'Dashboard',
  running: 'Running',
  pending: 'Waiting',
  completed: 'Completed (24 h)',
  failed: 'Failed (24 h)',
  items: 'Items (24 h)',
  rate: 'Success rate',
  spiders: 'Spiders',
  activeOf: '{{active}} active of {{total}}',
  editors: 'Open editors',
  proxies: 'Usable proxies',
  disk: 'Free disk',
  diskOf: 'of {{total}}',
  diskFull: 'The disk is nearly full: items are refused and no task is started',
  trends: 'Trends',
  days: 'Last {{days}} days',
  dayCompleted: 'Completed',
  dayFailed: 'Failed',
  dayItems: 'Items',
  trendsLabel: 'Completed and failed tasks and items on each of the last {{days}} days',
  now: 'Running and waiting',
  nothingRuns: 'Nothing runs now',
  nothingRunsHint: 'Run a spider from its page, or give it a schedule.',
  recentFailures: 'Latest failures',
  noFailures: 'No task has failed lately',
  nextFires: 'Next to run',
  noFires: 'No schedule is active',
  noFiresHint: 'Set one on a spider’s page “Schedule”.',
  welcome: 'Welcome to CrawlHub',
  welcomeHint: 'There is no spider yet. Make one from a template or upload a project, then test-run it.',
  createSpider: 'New spider',
}

export default texts
