import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Collapse, Flex } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { api, dataOf, get, type Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { ConfirmButton } from '../../../ui/ConfirmButton'
import { count } from '../../../ui/format'
import { ListTable } from '../../../ui/ListTable'
import { TimeText } from '../../../ui/TimeText'
import { useMay } from '../../session/profile'
import { LINK, LINKS } from '../addresses'

/** The items that the table would not take, and why; read when they are looked at. */
export function RefusedItems({ link }: { link: Schemas['Link'] }) {
  const { t } = useTranslation('datasources')
  return (
    <Collapse
      size="small"
      destroyOnHidden
      items={[{ key: 'refused', label: t('links.showRefused'), children: <RefusedList link={link} /> }]}
    />
  )
}

function RefusedList({ link: { id, spider_id, refused, datasource_name, target_table } }: { link: Schemas['Link'] }) {
  const { t } = useTranslation('datasources')
  const { t: c } = useTranslation()
  const isEditor = useMay('editor')
  const [shown, setShown] = useState({ page: 1, page_size: 10 })
  const path = { id: spider_id, link: id }
  const query = useQuery({
    ...get(`${LINK}/refused`, { params: { path, query: shown } }),
    placeholderData: keepPreviousData,
  })
  const forget = useChange(() => dataOf(api.DELETE(`${LINK}/refused`, { params: { path } })), {
    refreshes: [LINKS],
    done: (forgotten) => t('links.forgotten', { count: count(forgotten.count) }),
  })
  return (
    <Flex vertical gap="small" align="start">
      {isEditor && (
        <ConfirmButton
          size="small"
          question={t('links.forgetOne', { count: count(refused), source: datasource_name, table: target_table })}
          consequence={t('links.forgetHint')}
          confirmText={t('links.forget')}
          loading={forget.isPending}
          onConfirm={() => forget.mutateAsync(undefined)}
        >
          {t('links.forget')}
        </ConfirmButton>
      )}
      <ListTable
        query={query}
        rowKey="item_id"
        size="small"
        style={{ alignSelf: 'stretch' }}
        onPage={(page, page_size) => setShown({ page, page_size })}
        empty={c('word.none')}
        columns={[
          { title: t('links.refusedAt'), render: (_, { refused_at }) => <TimeText at={refused_at} /> },
          { title: t('links.reason'), render: (_, { reason }) => <Reason text={reason} /> },
          {
            title: c('word.task'),
            render: (_, { task_id }) => (
              <Link to="/tasks/$taskId" params={{ taskId: task_id }}>
                {task_id.slice(-8)}
              </Link>
            ),
          },
        ]}
      />
    </Flex>
  )
}

function Reason({ text }: { text: string }) {
  return <bdi style={{ display: 'block', width: 210, overflowWrap: 'anywhere' }}>{text}</bdi>
}
