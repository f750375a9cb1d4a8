import { DeleteOutlined, PlusOutlined } from '@ant-design/icons'
import { Button, Flex, Form, Input, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import styles from './groups.module.css'

/** Names and values, a row each. */
export function EnvVarFields() {
  const { t } = useTranslation('spiders')
  const { t: c } = useTranslation()
  return (
    <Form.List name="env_vars">
      {(rows, { add, remove }) => (
        <Flex vertical gap="small">
          <Typography.Text type="secondary">{t('settings.envHint')}</Typography.Text>
          {rows.map(({ key, name }) => (
            <Flex key={key} gap="small" align="start">
              <Form.Item
                name={[name, 'name']}
                rules={[{ required: true, whitespace: true, message: c('word.required') }]}
                style={{ flex: 1, margin: 0 }}
              >
                <Input
                  placeholder={t('settings.envName')}
                  aria-label={t('settings.envName')}
                  className={styles.code}
                  autoComplete="off"
                />
              </Form.Item>
              <Form.Item name={[name, 'value']} style={{ flex: 2, margin: 0 }}>
                <Input
                  placeholder={t('settings.envValue')}
                  aria-label={t('settings.envValue')}
                  className={styles.code}
                  autoComplete="off"
                />
              </Form.Item>
              <Button icon={<DeleteOutlined />} aria-label={t('settings.envRemove')} onClick={() => remove(name)} />
            </Flex>
          ))}
          <div>
            <Button icon={<PlusOutlined />} onClick={() => add({ name: '', value: '' })}>
              {t('settings.envAdd')}
            </Button>
          </div>
        </Flex>
      )}
    </Form.List>
  )
}
