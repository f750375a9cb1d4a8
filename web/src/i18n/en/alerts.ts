import type { Texts } from '..'
import type zh from '../zh/alerts'

const texts: Texts<typeof zh> = {
  title: 'alerts',
}

export default texts
