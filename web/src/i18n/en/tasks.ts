import type { Texts } from '..'
import type zh from '../zh/tasks'

const texts: Texts<typeof zh> = {
  title: 'Tasks',
  status: {
    pending: 'Pending',
    running: 'Running',
    completed: 'Completed',
    failed: 'Failed',
    cancelled: 'Cancelled',
  },
}

export default texts
