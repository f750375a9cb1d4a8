import { expect, test } from 'vitest'

import { taskPieces } from './taskPieces'

const ID = '01a21e93-4e23-725c-a9b4-3992b9c78df2'

test('the tasks that a sentence names', () => {
  expect(taskPieces(`任务 ${ID} 已排队`)).toEqual([
    { text: '任务 ', isTask: false },
    { text: ID, isTask: true },
    { text: ' 已排队', isTask: false },
  ])
  expect(taskPieces(ID)).toEqual([{ text: ID, isTask: true }])
  expect(taskPieces('the schedule was paused')).toEqual([{ text: 'the schedule was paused', isTask: false }])
  expect(taskPieces('')).toEqual([])
})
