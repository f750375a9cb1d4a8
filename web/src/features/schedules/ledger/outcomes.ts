import type { Outcome } from '../addresses'

export const OUTCOMES: Outcome[] = ['fired', 'skipped_overlap', 'skipped_paused', 'missed']
