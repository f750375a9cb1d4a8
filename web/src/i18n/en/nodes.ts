import type { Texts } from '..'
import type zh from '../zh/nodes'

export default {} satisfies Texts<typeof zh>
