import type { Texts } from '..'
import type zh from '../zh/proxies'

const texts: Texts<typeof zh> = {
  title: 'proxies',
}

export default texts
