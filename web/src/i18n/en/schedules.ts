import type { Texts } from '..'
import type zh from '../zh/schedules'

const texts: Texts<typeof zh> = {
  title: 'schedules',
}

export default texts
