import { ReloadOutlined } from '@ant-design/icons'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Button, Flex, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { get } from '../../../api/client'
import { Loaded } from '../../../ui/Loaded'
import { withoutEscapes } from '../../../ui/withoutEscapes'
import { INSTANCE, type Instance } from '../addresses'
import styles from './drawer.module.css'

const CHOICES = [200, 1000, 2000]
const LOOK_EVERY_MS = 5000

/** What it printed last. */
export function LogPane({ instance: { prefix, status } }: { instance: Instance }) {
  const { t } = useTranslation('instances')
  const { t: c } = useTranslation()
  const [last, setLast] = useState(CHOICES[0])
  const query = useQuery({
    ...get(`${INSTANCE}/logs`, { params: { path: { prefix }, query: { last } } }),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state: { error } }) =>
      !error && (status === 'running' || status === 'creating') ? LOOK_EVERY_MS : false,
  })
  return (
    <section aria-label={t('log')}>
      <Flex gap="small" justify="space-between" align="center" wrap style={{ marginBottom: 8 }}>
        <strong>{t('log')}</strong>
        <Flex gap="small">
          <Select
            size="small"
            aria-label={t('howMany')}
            value={last}
            options={CHOICES.map((value) => ({ value, label: t('lines', { count: value }) }))}
            onChange={setLast}
          />
          <Button
            size="small"
            icon={<ReloadOutlined />}
            loading={query.isFetching}
            onClick={() => void query.refetch()}
          >
            {c('action.refresh')}
          </Button>
        </Flex>
      </Flex>
      <Loaded query={query}>
        {({ log }) => (
          <pre className={`${styles.lines} ${styles.log}`} tabIndex={0} aria-label={t('log')}>
            {log ? withoutEscapes(log) : <i>{t('noLog')}</i>}
          </pre>
        )}
      </Loaded>
    </section>
  )
}
