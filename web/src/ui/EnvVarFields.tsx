import { DeleteOutlined, PlusOutlined } from '@ant-design/icons'
import { Button, ConfigProvider, Flex, Form, Input, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import styles from './EnvVarFields.module.css'

const MOST = 100
/** Stands for a secret that is stored. */
const MASK = '******'

/** As it was, or a new one; a mask with something beside it is neither. */
const isWhole = (value: string) => value === MASK || !value.includes(MASK)

export interface EnvVar {
  name: string
  value: string
}

interface Props {
  /** Of the list in the form. */
  name: string
  hint: string
}

/** Names and values, a row each. */
export function EnvVarFields({ name: list, hint }: Props) {
  const { t: c } = useTranslation()
  const form = Form.useFormInstance()
  const isReadOnly = ConfigProvider.useConfig().componentDisabled
  const isOnce = (name: string) => {
    const rows = form.getFieldValue(list) as EnvVar[]
    return rows.filter((row) => row.name.trim() === name.trim()).length < 2
  }
  return (
    <Form.List name={list}>
      {(rows, { add, remove }) => (
        <Flex vertical gap="middle">
          <Typography.Text type="secondary">{hint}</Typography.Text>
          {rows.map(({ key, name }) => (
            <div key={key} role="group" aria-label={c('env.row', { number: name + 1 })} className={styles.row}>
              <Form.Item
                name={[name, 'name']}
                validateFirst
                rules={[
                  { required: true, whitespace: true, message: c('word.required') },
                  { pattern: /^\s*[A-Za-z_][A-Za-z0-9_]*\s*$/, message: c('env.nameRule') },
                  {
                    validator: (_, given: string) =>
                      isOnce(given) ? Promise.resolve() : Promise.reject(new Error(c('env.twice'))),
                  },
                ]}
              >
                <Input
                  maxLength={255}
                  placeholder={c('env.name')}
                  aria-label={c('env.name')}
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
                      isWhole(given) ? Promise.resolve() : Promise.reject(new Error(c('env.mask'))),
                  },
                ]}
              >
                <Input
                  placeholder={c('env.value')}
                  aria-label={c('env.value')}
                  className={styles.code}
                  autoComplete="off"
                  spellCheck={false}
                />
              </Form.Item>
              {!isReadOnly && (
                <Button
                  icon={<DeleteOutlined />}
                  aria-label={c('env.remove', { number: name + 1 })}
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
                {c('env.add')}
              </Button>
            </div>
          )}
        </Flex>
      )}
    </Form.List>
  )
}
