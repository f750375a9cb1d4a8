import { DeleteOutlined, PlusOutlined } from '@ant-design/icons'
import { Button, ConfigProvider, Flex, Form, Input, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import type { Fields } from './fields'
import styles from './groups.module.css'

const MOST = 100
/** Stands for a secret that is stored. */
const MASK = '******'

/** As it was, or a new one; a mask with something beside it is neither. */
const isWhole = (value: string) => value === MASK || !value.includes(MASK)

/** Names and values, a row each. */
export function EnvVarFields() {
  const { t } = useTranslation('spiders')
  const { t: c } = useTranslation()
  const form = Form.useFormInstance<Fields>()
  const isReadOnly = ConfigProvider.useConfig().componentDisabled
  const isOnce = (name: string) => {
    const rows = form.getFieldValue('env_vars') as Fields['env_vars']
    return rows.filter((row) => row.name.trim() === name.trim()).length < 2
  }
  return (
    <Form.List name="env_vars">
      {(rows, { add, remove }) => (
        <Flex vertical gap="middle">
          <Typography.Text type="secondary">{t('settings.envHint')}</Typography.Text>
          {rows.map(({ key, name }) => (
            <div key={key} role="group" aria-label={t('settings.env', { number: name + 1 })} className={styles.row}>
              <Form.Item
                name={[name, 'name']}
                validateFirst
                rules={[
                  { required: true, whitespace: true, message: c('word.required') },
                  { pattern: /^\s*[A-Za-z_][A-Za-z0-9_]*\s*$/, message: t('settings.envNameRule') },
                  {
                    validator: (_, given: string) =>
                      isOnce(given) ? Promise.resolve() : Promise.reject(new Error(t('settings.envTwice'))),
                  },
                ]}
              >
                <Input
                  maxLength={255}
                  placeholder={t('settings.envName')}
                  aria-label={t('settings.envName')}
                  className={styles.code}
                  autoComplete="off"
                  spellCheck={false}
                />
              </Form.Item>
              <Form.Item
                name={[name, 'value']}
                style={{ flexGrow: 2 }}
                rules={[
                  {
                    validator: (_, given: string) =>
                      isWhole(given) ? Promise.resolve() : Promise.reject(new Error(t('settings.envMask'))),
                  },
                ]}
              >
                <Input
                  placeholder={t('settings.envValue')}
                  aria-label={t('settings.envValue')}
                  className={styles.code}
                  autoComplete="off"
                  spellCheck={false}
                />
              </Form.Item>
              {!isReadOnly && (
                <Button
                  icon={<DeleteOutlined />}
                  aria-label={t('settings.envRemove', { number: name + 1 })}
                  onClick={() => remove(name)}
                />
              )}
            </div>
          ))}
          {!isReadOnly && (
            <div>
              <Button
                icon={<PlusOutlined />}
                disabled={rows.length >= MOST}
                onClick={() => add({ name: '', value: '' })}
              >
                {t('settings.envAdd')}
              </Button>
            </div>
          )}
        </Flex>
      )}
    </Form.List>
  )
}
