import { Form, Select } from 'antd'
import { useTranslation } from 'react-i18next'

import { NodeField } from '../../nodes/NodeField'
import type { Fields } from './fields'
import { Columns } from './inputs'

/** Which node runs it, or which machine of the swarm, where one does. */
export function NodeFields() {
  const { t } = useTranslation('spiders')
  const form = Form.useFormInstance<Fields>()
  const runner = Form.useWatch('runner', form)
  const isChosen = !!Form.useWatch('node_id', form)
  const isNode = runner === 'node'
  if (!isNode && runner !== 'swarm') return null
  return (
    <Columns>
      {isNode && (
        <NodeField
          name="node_id"
          label={t('settings.node')}
          extra={t('settings.nodeHint')}
          placeholder={t('settings.anyNode')}
        />
      )}
      {!(isNode && isChosen) && (
        <Form.Item
          name="node_labels"
          label={t('settings.nodeLabels')}
          extra={t(isNode ? 'settings.nodeLabelsHint' : 'settings.machineLabelsHint')}
        >
          <Select mode="tags" tokenSeparators={[',', ' ']} open={false} suffix={null} />
        </Form.Item>
      )}
    </Columns>
  )
}
