import type { Texts } from '..'
import type zh from '../zh/spiders'

const texts: Texts<typeof zh> = {
  title: 'spiders',
}

export default texts
