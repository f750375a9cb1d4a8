import type { Texts } from '..'
import type zh from '../zh/projects'

export default {
  lead: 'Groups of spiders, and how many of their tasks may run at once',
  create: 'New project',
  edit: 'Edit project',
  spiders: 'Spiders',
  spidersOf: 'Spiders of the project {{name}}',
  most: 'Tasks at once',
  mostHint: 'How many tasks of all its spiders may run at once; empty: no limit',
  noLimit: 'no limit',
  isDefault: 'default',
  defaultHint: 'Spiders without a project belong to it; it can be neither renamed nor deleted',
  editOne: 'Edit the project {{name}}',
  deleteOne: 'Delete the project {{name}}?',
  deleteLabel: 'Delete the project {{name}}',
  deleteHint: 'It has no spiders; no task and no data is affected',
  notEmpty: 'Move or delete its spiders first',
  empty: 'No projects yet',
  emptyHint: 'Make one, then put spiders into it',
} satisfies Texts<typeof zh>
