import { DownOutlined, PlayCircleOutlined } from '@ant-design/icons'
import { Button, Dropdown, Space } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../../api/client'
import { useRun } from '../useRun'
import { onDemand } from '../../../ui/onDemand'

const ParamsDialog = onDemand(() => import('./ParamsDialog').then((found) => found.ParamsDialog))

/** Runs it as it is set, or with parameters for this once. */
export function RunButton({ spider }: { spider: Schemas['Spider'] }) {
  const { t } = useTranslation('spiders')
  const { t: c } = useTranslation()
  const run = useRun()
  const [isAsking, setIsAsking] = useState(false)
  return (
    <>
      <Space.Compact>
        <Button
          type="primary"
          icon={<PlayCircleOutlined />}
          loading={run.isPending}
          onClick={() => run.mutate({ id: spider.id })}
        >
          {c('action.run')}
        </Button>
        <Dropdown
          trigger={['click']}
          menu={{ items: [{ key: 'params', label: t('runWithParams'), onClick: () => setIsAsking(true) }] }}
        >
          <Button type="primary" icon={<DownOutlined />} aria-label={c('action.more')} />
        </Dropdown>
      </Space.Compact>
      <ParamsDialog spider={spider} isOpen={isAsking} onClose={() => setIsAsking(false)} />
    </>
  )
}
