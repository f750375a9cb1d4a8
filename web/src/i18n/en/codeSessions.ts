import type { Texts } from '..'
import type zh from '../zh/codeSessions'

const texts: Texts<typeof zh> = {
  title: 'codeSessions',
}

export default texts
