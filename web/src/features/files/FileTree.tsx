import { Tree, type TreeDataNode } from 'antd'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { foldersAround, treeOf, type Entry } from './tree'

interface Props {
  paths: string[]
  selected: string | undefined
  dirty: ReadonlySet<string>
  onSelect: (path: string) => void
}

/** With more files than that, folders start folded. */
const FEW = 60
/** With more, only what is seen is drawn. */
const MANY = 200
const MANY_HEIGHT = 480

export function FileTree({ paths, selected, dirty, onSelect }: Props) {
  const { t } = useTranslation('files')
  const [toggled, setToggled] = useState<string[] | null>(null)
  const [shown, setShown] = useState(selected)
  const data = useMemo(() => treeOf(paths).map(nodeOf), [paths])
  const all = paths.length <= FEW ? paths.flatMap(foldersAround) : foldersAround(selected ?? '')
  const expanded = [...new Set(toggled ?? all)]
  if (selected !== shown) {
    setShown(selected)
    if (toggled && selected) setToggled([...new Set([...toggled, ...foldersAround(selected)])])
  }
  return (
    <Tree.DirectoryTree
      aria-label={t('tree')}
      treeData={data}
      selectedKeys={selected ? [selected] : []}
      expandedKeys={expanded}
      onExpand={(keys) => setToggled(keys.map(String))}
      onSelect={(_, { node }) => {
        if (node.isLeaf) onSelect(String(node.key))
      }}
      height={paths.length > MANY ? MANY_HEIGHT : undefined}
      virtual={paths.length > MANY}
      titleRender={(node) => (
        <>
          <bdi>{node.title as string}</bdi>
          {dirty.has(String(node.key)) && (
            <span role="img" aria-label={t('unsaved')} title={t('unsaved')}>
              {' '}
              ●
            </span>
          )}
        </>
      )}
    />
  )
}

function nodeOf({ path, name, children }: Entry): TreeDataNode {
  return { key: path, title: name, isLeaf: !children, children: children?.map(nodeOf) }
}
