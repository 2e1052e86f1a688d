import { expect, test } from 'vitest'
import { apply, graphOf, newWorld, picture, runToEnd } from '../test/world.ts'

test('a log that is whole is told, also after the end and again, and changes nothing else', () => {
  const world = newWorld(graphOf([{ id: 'a' }]))
  apply(world, { type: 'started' })
  runToEnd(world)
  const before = picture(world.state)
  const [job] = world.state.jobs.values()
  for (let times = 0; times < 2; times++) {
    const { result, steps, jobs } = apply(world, { type: 'jobLogged', jobId: job!.id, size: 12 })
    expect([result, steps.map(({ definition }) => definition.id), jobs]).toEqual(['applied', ['a'], []])
  }
  expect(job).toMatchObject({ logSize: 12, logComplete: true })
  expect(picture(world.state)).toEqual(before)
})
