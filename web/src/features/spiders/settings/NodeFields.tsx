import { Form, Select } from 'antd'
import { useTranslation } from 'react-i18next'

import { NodeField } from '../../nodes/NodeField'
import type { Fields } from './fields'
import { Columns } from './inputs'

/** Which node runs it, where a node does. */
export function NodeFields() {
  const { t } = useTranslation('spiders')
  const form = Form.useFormInstance<Fields>()
  const isNode = Form.useWatch('runner', form) === 'node'
  const isChosen = !!Form.useWatch('node_id', form)
  if (!isNode) return null
  return (
    <Columns>
      <NodeField
        name="node_id"
        label={t('settings.node')}
        extra={t('settings.nodeHint')}
        placeholder={t('settings.anyNode')}
      />
      {!isChosen && (
        <Form.Item name="node_labels" label={t('settings.nodeLabels')} extra={t('settings.nodeLabelsHint')}>
          <Select mode="tags" tokenSeparators={[',', ' ']} open={false} suffix={null} />
        </Form.Item>
      )}
    </Columns>
  )
}
