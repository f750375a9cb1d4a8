import type { Texts } from '..'
import type zh from '../zh/versions'

const texts: Texts<typeof zh> = {
  version: 'Version',
  note: 'Note',
  notePlaceholder: 'What has changed in this version',
  publishedAt: 'Published',
  files: 'Files',
  active: 'Active',
  publish: 'Publish new version',
  publishNow: 'Publish',
  publishHint:
    'Keeps the files, the entry point and the requirements as they are as a new version, which all runs take from now on. Later changes to files take effect with the next version',
  published: 'v{{version}} is published',
  runsVersion: 'Runs take version v{{version}}',
  runsVersionHint:
    'Changes to files take effect once a new version is published, or another one is switched to. Test runs always take the files as they are',
  runsFiles: 'Runs take the files as they are',
  runsFilesHint:
    'Each change takes effect with the next run. Publish a version to fix the code that runs, compare it and go back to it',
  deactivate: 'Run the files as they are',
  deactivateAsk: 'Run the files as they are instead of v{{version}}?',
  deactivateHint:
    'Versions are kept; you can switch back at any time. Schedules that are pinned to a version keep theirs',
  deactivated: 'Runs take the files as they are',
  rollback: 'Switch to it',
  rollbackAsk: 'Switch to v{{version}}?',
  rollbackHint:
    'Runs take the code, the entry point and the requirements of this version from now on. Tasks that are running go on, and the files you edit stay as they are',
  rolledBack: 'Runs take v{{version}} now',
  restore: 'Restore files',
  restoreAsk: 'Make the files those of v{{version}} again?',
  restoreHint:
    'All files, the entry point and the requirements are replaced; changes that were not published are lost. What runs stays the same version',
  restored: 'The files are those of v{{version}} again',
  deleteAsk: 'Delete version v{{version}}?',
  deleteHint: 'It can no longer be run, compared or restored',
  compare: 'Compare',
  compareFiles: 'What has changed since v{{version}}',
  filesNow: 'Files as they are',
  from: 'From',
  to: 'To',
  swap: 'Swap sides',
  sameSides: 'Both sides are the same',
  sameSidesHint: 'Choose another version, or the files as they are',
  noDifference: 'No difference',
  changedFiles: 'Files that differ: {{count}}',
  changedSettings: 'Settings that differ',
  unset: '(empty)',
  sameContent: 'The content is the same',
  binary: 'Not text; the content cannot be compared',
  nowExecutable: 'now executable',
  notExecutable: 'no longer executable',
  empty: 'No version yet',
  emptyHint: 'Publish one to fix the code that runs; when something breaks you can go back to it',
  kind: { added: 'Added', removed: 'Removed', changed: 'Changed' },
  setting: { source: 'Source of code', entry_point: 'Entry point', requirements_txt: 'Requirements' },
}

export default texts
