import type { Texts } from '..'
import type zh from '../zh/dashboard'

const texts: Texts<typeof zh> = {
  title: 'dashboard',
}

export default texts
