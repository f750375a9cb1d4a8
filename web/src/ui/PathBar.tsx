import { Breadcrumb, Button } from 'antd'

interface Props {
  label: string
  /** Of what all of it is in. */
  name: string
  /** Of the folder that is shown; empty: the outermost. */
  path: string
  onShow: (path: string) => void
}

/** The folders on the way, each to be gone to. */
export function PathBar({ label, name, path, onShow }: Props) {
  const names = path ? path.split('/') : []
  const all = [name, ...names].map((title, i) => ({ title, path: names.slice(0, i).join('/') }))
  return (
    <nav aria-label={label} style={{ minWidth: 0 }}>
      <Breadcrumb
        items={all.map(({ title, path: to }, i) => ({
          key: to,
          title:
            i === all.length - 1 ? (
              <bdi style={{ overflowWrap: 'anywhere' }}>{title}</bdi>
            ) : (
              <Button type="link" size="small" style={{ padding: 0 }} onClick={() => onShow(to)}>
                <bdi>{title}</bdi>
              </Button>
            ),
        }))}
      />
    </nav>
  )
}
