import { Alert, Button, Flex, Form } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, dataOf } from '../../api/client'
import { useChange } from '../../api/useChange'
import { ErrorAlert } from '../../ui/ErrorAlert'
import { DATASOURCES } from './addresses'
import { bodyOf, type Fields } from './fields'

/** Reaches for the database that stands in the form, before it is saved. */
export function TestGiven() {
  const { t } = useTranslation('datasources')
  const form = Form.useFormInstance<Fields>()
  const test = useChange((fields: Fields) => dataOf(api.POST(`${DATASOURCES}/test`, { body: bodyOf(fields) })), {
    isQuiet: true,
  })
  const start = async () => {
    const fields = await form
      .validateFields(['type', 'host', 'port', 'database'], { recursive: true })
      .catch(() => null)
    if (fields) test.mutate(form.getFieldsValue(true) as Fields)
  }
  return (
    <Form.Item>
      <Flex vertical gap="small" align="start">
        <Button loading={test.isPending} onClick={start}>
          {t('test.now')}
        </Button>
        <div aria-live="polite" style={{ alignSelf: 'stretch' }}>
          {test.isError && <ErrorAlert error={test.error} />}
          {test.data && (
            <Alert
              type={test.data.ok ? 'success' : 'error'}
              showIcon
              title={test.data.message}
              description={test.data.ok && t('test.took', { ms: test.data.latency_ms })}
            />
          )}
        </div>
      </Flex>
    </Form.Item>
  )
}
