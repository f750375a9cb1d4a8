import type { Texts } from '..'
import type zh from '../zh/datasources'

const texts: Texts<typeof zh> = {
  title: 'datasources',
}

export default texts
