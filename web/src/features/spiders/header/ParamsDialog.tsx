import { Form, Input } from 'antd'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../../api/client'
import { FormDialog } from '../../../ui/FormDialog'
import { objectText, parseObject } from '../json'
import { jsonRule } from '../jsonRule'
import { useRun } from '../useRun'

interface Props {
  spider: Schemas['Spider']
  isOpen: boolean
  onClose: () => void
}

/** Runs it with parameters for this once. */
export function ParamsDialog({ spider, isOpen, onClose }: Props) {
  const { t } = useTranslation('spiders')
  const { t: c } = useTranslation()
  const run = useRun({ isQuiet: true })
  return (
    <FormDialog<{ params: string }>
      title={t('runWithParams')}
      isOpen={isOpen}
      onClose={onClose}
      initial={{ params: objectText(spider.params) }}
      saveText={c('action.run')}
      onSave={({ params }) => run.mutateAsync({ id: spider.id, params: parseObject(params) ?? {} })}
    >
      <Form.Item name="params" label={t('params')} extra={t('paramsHint')} rules={[jsonRule(t('badJson'))]}>
        <Input.TextArea autoSize={{ minRows: 5, maxRows: 16 }} style={{ fontFamily: 'monospace' }} spellCheck={false} />
      </Form.Item>
    </FormDialog>
  )
}
