import { Flex, theme, Typography } from 'antd'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'

import { writeExact } from '../exact'
import styles from './items.module.css'

/** A text of JSON, and what stands between them. */
const TEXTS = /("(?:[^"\\]|\\.)*")/

/** A value as JSON, to be read and copied. */
export function JsonText({ value }: { value: unknown }) {
  const { t } = useTranslation()
  const { token } = theme.useToken()
  const text = useMemo(() => writeExact(value, 2), [value])
  // Texts in right-to-left script must not change places with what is beside them.
  const parts = useMemo(
    () => text.split(TEXTS).map((part, place) => (place % 2 === 1 ? <bdi key={place}>{part}</bdi> : part)),
    [text],
  )
  return (
    <div>
      <Flex justify="end">
        <Typography.Text copyable={{ text }}>{t('action.copy')}</Typography.Text>
      </Flex>
      <pre
        dir="ltr"
        className={styles.json}
        style={{ background: token.colorFillQuaternary, borderRadius: token.borderRadius }}
      >
        {parts}
      </pre>
    </div>
  )
}
