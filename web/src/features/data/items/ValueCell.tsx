import { Typography } from 'antd'

import { cellText, linkOf } from './value'
import styles from './items.module.css'

/** A value of an item in a table, on one line. The whole of it is in the item. */
export function ValueCell({ value }: { value: unknown }) {
  if (value === undefined || value === null) {
    return <Typography.Text type="secondary">{value === null ? 'null' : '—'}</Typography.Text>
  }
  const text = cellText(value)
  const link = linkOf(value)
  return (
    <bdi className={styles.cell} title={text}>
      {link ? (
        <a href={link} target="_blank" rel="noreferrer noopener">
          {text}
        </a>
      ) : (
        text
      )}
    </bdi>
  )
}
