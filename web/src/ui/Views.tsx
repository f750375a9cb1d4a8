import { Segmented } from 'antd'

interface Props<K extends string> {
  /** What the choice is of. */
  label: string
  views: { value: K; label: string }[]
  shown: K
  onShow: (view: K) => void
}

/** A choice of ways to look at one thing, above what is chosen. */
export function Views<K extends string>({ label, views, shown, onShow }: Props<K>) {
  return (
    <div style={{ overflowX: 'auto', margin: '12px 0' }}>
      <Segmented<K> aria-label={label} value={shown} options={views} onChange={onShow} />
    </div>
  )
}
