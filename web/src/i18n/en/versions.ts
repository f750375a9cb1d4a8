import type { Texts } from '..'
import type zh from '../zh/versions'

const texts: Texts<typeof zh> = {
  title: 'versions',
}

export default texts
