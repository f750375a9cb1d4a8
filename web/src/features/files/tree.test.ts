import { expect, test } from 'vitest'

import { folderOf, foldersAround, nameOf, treeOf, type Entry } from './tree'

const drawn = (entries: Entry[], depth = 0): string[] =>
  entries.flatMap(({ name, children }) => [
    `${'  '.repeat(depth)}${name}${children ? '/' : ''}`,
    ...drawn(children ?? [], depth + 1),
  ])

test('folders come first, and numbers count', () => {
  expect(drawn(treeOf(['main.py', 'a/b/c.py', 'part10.py', 'part2.py', 'a/z.py', '数据/价格.csv']))).toEqual([
    'a/',
    '  b/',
    '    c.py',
    '  z.py',
    '数据/',
    '  价格.csv',
    'main.py',
    'part2.py',
    'part10.py',
  ])
})

test('without files there is nothing', () => {
  expect(treeOf([])).toEqual([])
})

test('parts of a path', () => {
  expect([folderOf('a/b/c.py'), nameOf('a/b/c.py'), foldersAround('a/b/c.py')]).toEqual(['a/b', 'c.py', ['a', 'a/b']])
  expect([folderOf('c.py'), nameOf('c.py'), foldersAround('c.py')]).toEqual(['', 'c.py', []])
})
