import type { Texts } from '..'
import type zh from '../zh/settings'

const texts: Texts<typeof zh> = {
  title: 'settings',
}

export default texts
