import { Segmented } from 'antd'
import { useTranslation } from 'react-i18next'

import { narrowed, type ViewProps } from './search'

/** Items of real runs, of test runs, or of both. */
export function TestChoice({ search: { is_test }, onSearch }: ViewProps) {
  const { t } = useTranslation('data')
  return (
    <Segmented
      aria-label={t('scope.runs')}
      value={is_test === undefined ? 'all' : is_test ? 'test' : 'real'}
      options={(['all', 'real', 'test'] as const).map((value) => ({ value, label: t(`scope.${value}`) }))}
      onChange={(value) => onSearch(narrowed({ is_test: value === 'all' ? undefined : value === 'test' }))}
    />
  )
}
