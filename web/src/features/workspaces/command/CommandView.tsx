import { PlayCircleOutlined, StopOutlined } from '@ant-design/icons'
import { Button, Flex, Form, Input, InputNumber, Select } from 'antd'
import type { KeyboardEvent } from 'react'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../../api/client'
import { useLeaving } from '../../../ui/useLeaving'
import type { Sandbox } from '../addresses'
import { OutputPane } from './OutputPane'
import { useCommand } from './useCommand'

interface Fields {
  command: string
  timeout: number
  mode?: Schemas['WorkspaceMode']
}

const MODES = ['persistent', 'ephemeral'] as const
const USUAL_SECONDS = 30

/** Runs a command in the workspace, and shows what it prints. */
export function CommandView({ workspace: { name, mode, limits } }: { workspace: Sandbox }) {
  const { t } = useTranslation('workspaces')
  const { t: c } = useTranslation()
  const [form] = Form.useForm<Fields>()
  const { output, progress, run, stop } = useCommand(name)
  const isRunning = progress.is === 'running'
  useLeaving(isRunning, t('leaveHint'))
  const runByKey = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
    event.preventDefault()
    form.submit()
  }
  return (
    <Flex vertical gap="middle">
      <Form<Fields>
        form={form}
        layout="vertical"
        name="command"
        initialValues={{ command: '', timeout: USUAL_SECONDS }}
        onFinish={({ command, timeout, mode: chosen }) => {
          if (!isRunning) void run({ command, timeout, mode: chosen ?? null })
        }}
      >
        <Form.Item
          name="command"
          label={t('command')}
          extra={t('commandHint')}
          rules={[{ required: true, whitespace: true, message: c('word.required') }]}
        >
          <Input.TextArea
            autoSize={{ minRows: 2, maxRows: 12 }}
            placeholder="ls -l; python3 main.py"
            spellCheck={false}
            autoComplete="off"
            dir="ltr"
            style={{ fontFamily: 'ui-monospace, Menlo, Consolas, monospace' }}
            onKeyDown={runByKey}
          />
        </Form.Item>
        <Flex gap="middle" wrap align="end">
          <Form.Item name="timeout" label={t('timeout')} rules={[{ required: true, message: c('word.required') }]}>
            <InputNumber min={1} max={limits.timeout_seconds} precision={0} style={{ width: 140 }} />
          </Form.Item>
          <Form.Item name="mode" label={t('mode')} style={{ flex: '0 1 360px', minWidth: 0, maxWidth: '100%' }}>
            <Select
              allowClear
              placeholder={t(`modes.${mode}`)}
              options={MODES.map((value) => ({ value, label: t(`modes.${value}`) }))}
              style={{ width: '100%' }}
            />
          </Form.Item>
          <Form.Item>
            <Flex gap="small">
              <Button type="primary" htmlType="submit" icon={<PlayCircleOutlined />} loading={isRunning}>
                {c('action.run')}
              </Button>
              {isRunning && (
                <Button danger icon={<StopOutlined />} onClick={stop}>
                  {t('end')}
                </Button>
              )}
            </Flex>
          </Form.Item>
        </Flex>
      </Form>
      <OutputPane output={output} progress={progress} />
    </Flex>
  )
}
