import type { Texts } from '..'
import type zh from '../zh/projects'

const texts: Texts<typeof zh> = {
  title: 'projects',
}

export default texts
