/** A file, or a folder with what lies in it. */
export interface Entry {
  path: string
  name: string
  /** Only of a folder. */
  children?: Entry[]
}

/** Paths as a tree: folders first, each by name. */
export function treeOf(paths: string[]): Entry[] {
  const root: Entry = { path: '', name: '', children: [] }
  const folders = new Map([['', root]])
  const folderAt = (path: string): Entry => {
    const known = folders.get(path)
    if (known) return known
    const made: Entry = { path, name: nameOf(path), children: [] }
    folders.set(path, made)
    folderAt(folderOf(path)).children!.push(made)
    return made
  }
  for (const path of paths) folderAt(folderOf(path)).children!.push({ path, name: nameOf(path) })
  for (const folder of folders.values()) folder.children!.sort(byKindAndName)
  return root.children!
}

function byKindAndName(one: Entry, other: Entry): number {
  const kinds = Number(!one.children) - Number(!other.children)
  return kinds || one.name.localeCompare(other.name, undefined, { numeric: true })
}

/** Without the slash at its end; empty for what lies in no folder. */
export const folderOf = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf('/')))

export const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1)

/** All folders around a path, the outermost first. */
export function foldersAround(path: string): string[] {
  const names = path.split('/').slice(0, -1)
  return names.map((_, i) => names.slice(0, i + 1).join('/'))
}
