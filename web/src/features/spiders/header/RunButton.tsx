import { DownOutlined, PlayCircleOutlined } from '@ant-design/icons'
import { Button, Dropdown, Form, Input, Space } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../../api/client'
import { FormDialog } from '../../../ui/FormDialog'
import { objectText, parseObject } from '../json'
import { jsonRule } from '../jsonRule'
import { useRun } from '../useRun'

/** Runs it as it is set, or with parameters for this once. */
export function RunButton({ spider }: { spider: Schemas['Spider'] }) {
  const { t } = useTranslation('spiders')
  const { t: c } = useTranslation()
  const run = useRun()
  const runWith = useRun({ isQuiet: true })
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
      <FormDialog<{ params: string }>
        title={t('runWithParams')}
        isOpen={isAsking}
        onClose={() => setIsAsking(false)}
        initial={{ params: objectText(spider.params) }}
        saveText={c('action.run')}
        onSave={({ params }) => runWith.mutateAsync({ id: spider.id, params: parseObject(params) ?? {} })}
      >
        <Form.Item name="params" label={t('params')} extra={t('paramsHint')} rules={[jsonRule(t('badJson'))]}>
          <Input.TextArea
            autoSize={{ minRows: 5, maxRows: 16 }}
            style={{ fontFamily: 'monospace' }}
            spellCheck={false}
          />
        </Form.Item>
      </FormDialog>
    </>
  )
}
