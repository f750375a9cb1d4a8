import type { Texts } from '..'
import type zh from '../zh/data'

const texts: Texts<typeof zh> = {
  title: 'data',
}

export default texts
