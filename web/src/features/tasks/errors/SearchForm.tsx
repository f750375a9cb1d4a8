import { Button, Flex, Input } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { LevelSelect } from '../log/LevelSelect'
import { fromInput, toInput } from './localInput'
import type { LogQuery } from './useHits'

interface Props {
  asked: LogQuery
  isAsked: boolean
  onSearch: (query: LogQuery) => void
}

/** Which lines are looked for; nothing is until it is sent. */
export function SearchForm({ asked, isAsked, onSearch }: Props) {
  const { t } = useTranslation('tasks')
  const [q, setQ] = useState(asked.q)
  const [level, setLevel] = useState(asked.level)
  const [from, setFrom] = useState(() => toInput(asked.from))
  const [to, setTo] = useState(() => toInput(asked.to))
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        onSearch({ q: q ? q : undefined, level, from: fromInput(from), to: fromInput(to) })
      }}
    >
      <Flex gap="small" wrap align="center" style={{ marginBottom: 12 }}>
        <Input
          allowClear
          aria-label={t('search.text')}
          placeholder={t('search.text')}
          maxLength={200}
          value={q}
          onChange={({ target }) => setQ(target.value)}
          style={{ width: 200 }}
        />
        <LevelSelect value={level} onChange={setLevel} />
        <label>
          {t('search.from')} <Time value={from} onChange={setFrom} />
        </label>
        <label>
          {t('search.to')} <Time value={to} onChange={setTo} />
        </label>
        <Button type="primary" htmlType="submit">
          {t('search.go')}
        </Button>
        {isAsked && <Button onClick={() => onSearch({})}>{t('search.clear')}</Button>}
      </Flex>
    </form>
  )
}

function Time({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  return (
    <Input
      type="datetime-local"
      value={value}
      onChange={({ target }) => onChange(target.value)}
      style={{ width: 'auto' }}
    />
  )
}
