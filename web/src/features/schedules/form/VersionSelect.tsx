import { useQuery } from '@tanstack/react-query'
import { Select } from 'antd'
import { useTranslation } from 'react-i18next'

import { get } from '../../../api/client'
import { SPIDER } from '../addresses'

interface Props {
  spiderId: string
  id?: string
  value?: string | null
  onChange?: (id: string | null) => void
}

/** A version of the spider's code, or whichever is active. */
export function VersionSelect({ spiderId, id, value, onChange }: Props) {
  const { t } = useTranslation('schedules')
  const query = useQuery(
    get(`${SPIDER}/deployments`, { params: { path: { id: spiderId }, query: { page_size: 100 } } }),
  )
  const versions = query.data?.items ?? []
  return (
    <Select<string>
      id={id}
      value={value ?? ''}
      loading={query.isFetching}
      onChange={(version) => onChange?.(version || null)}
      options={[
        { value: '', label: t('field.activeVersion') },
        ...versions.map((version) => ({
          value: version.id,
          label: (
            <>
              {t('field.versionOf', { version: version.version })} <bdi>{version.deploy_note}</bdi>
            </>
          ),
        })),
      ]}
    />
  )
}
