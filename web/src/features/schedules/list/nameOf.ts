import type { TFunction } from 'i18next'

import type { Schedule } from '../addresses'

/** The spider's own one is called by what it is, unless somebody gave it a name. */
export const nameOf = ({ is_own, name }: Schedule, t: TFunction<'schedules'>) =>
  is_own && name === 'own' ? t('own') : name
