import { Breadcrumb, Button } from 'antd'
import { useTranslation } from 'react-i18next'

interface Props {
  name: string
  path: string
  onShow: (path: string) => void
}

/** The folders on the way, each to be gone to. */
export function PathBar({ name, path, onShow }: Props) {
  const { t } = useTranslation('workspaces')
  const names = path ? path.split('/') : []
  const all = [name, ...names].map((title, i) => ({ title, path: names.slice(0, i).join('/') }))
  return (
    <nav aria-label={t('folders')} style={{ minWidth: 0 }}>
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
