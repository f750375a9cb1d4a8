import { expect, test } from 'vitest'

import { targetOf } from './uploadTarget'

test('a folder, with slashes or without', () => {
  expect([
    targetOf('', 'a.py'),
    targetOf('/', 'a.py'),
    targetOf('src/', 'a.py'),
    targetOf(' /src/数据 ', 'a.py'),
  ]).toEqual(['a.py', 'a.py', 'src/a.py', 'src/数据/a.py'])
})
