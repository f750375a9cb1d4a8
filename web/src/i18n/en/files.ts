import type { Texts } from '..'
import type zh from '../zh/files'

const texts: Texts<typeof zh> = {
  title: 'files',
}

export default texts
