import { expect, test } from 'vitest'

import { fileName } from './saveFrom'

test('the name of a download, in any script', () => {
  expect(fileName(`attachment; filename="books _.zip"; filename*=UTF-8''books%20%E5%9B%BE.zip`)).toBe('books 图.zip')
  expect(fileName('attachment; filename="a b.csv"')).toBe('a b.csv')
  expect(fileName(`attachment; filename="a.csv"; filename*=UTF-8''%E5%9`)).toBe('a.csv')
  expect(fileName(null)).toBeNull()
})
