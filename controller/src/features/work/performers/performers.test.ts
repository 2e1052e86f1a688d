import { stepTypes } from '@ansflow/proto/steps/index'
import { expect, test } from 'vitest'
import { performers } from './index.ts'

test('every step type whose work is the controller’s has somebody who performs it, and nobody has nothing to do', () => {
  const asked = [...stepTypes.values()].filter(({ by }) => by === 'controller').map(({ id }) => id)
  expect(asked).toContain('http_request')
  expect(Object.keys(performers).sort()).toEqual(asked.sort())
})
