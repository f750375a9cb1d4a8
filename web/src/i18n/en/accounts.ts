import type { Texts } from '..'
import type zh from '../zh/accounts'

const texts: Texts<typeof zh> = {
  title: 'accounts',
}

export default texts
