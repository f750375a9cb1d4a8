import type { Texts } from '..'
import type zh from '../zh/instances'

export default {} satisfies Texts<typeof zh>
