import { SearchOutlined } from '@ant-design/icons'
import { Button, Input } from 'antd'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'

interface Props {
  value: string
  /** Some time after the last key, and at once on Enter. */
  onSearch: (value: string) => void
  placeholder: string
}

const PAUSE_MS = 350

export function SearchBox({ value, onSearch, placeholder }: Props) {
  const { t } = useTranslation()
  const [text, setText] = useState(value)
  const [known, setKnown] = useState(value)
  if (value !== known) {
    setKnown(value)
    setText(value)
  }
  useEffect(() => {
    if (text === value) return
    const timer = setTimeout(() => onSearch(text), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [text, value, onSearch])
  return (
    <Input.Search
      allowClear
      value={text}
      aria-label={placeholder}
      placeholder={placeholder}
      onChange={(event) => setText(event.target.value)}
      onSearch={onSearch}
      enterButton={<Button icon={<SearchOutlined />} aria-label={t('action.search')} />}
      style={{ maxWidth: 280 }}
    />
  )
}
