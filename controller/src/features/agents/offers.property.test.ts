// Whatever is lost between controllers and agents, and whoever dies: no job is begun twice, none beside another attempt of its step,
// and every run ends.
import { isTerminalJob } from '@ansflow/proto/status'
import fc from 'fast-check'
import { test } from 'vitest'
import { LinkWorld } from './test/link-world.ts'
import { lostAfterMs, ModelFolder, type ModelProcess } from './test/model-agent.ts'

const choices = fc.array(fc.nat(2 ** 24), { minLength: 40, maxLength: 250, size: 'max' })

test.each([
  ['that start at their offer', true],
  ['that are told to start', false],
])('agents %s begin every job once, whatever is lost', { timeout: 600_000 }, async (_, startsOffers) => {
  await fc.assert(
    fc.asyncProperty(choices, async (order) => {
      const world = new LinkWorld(startsOffers)
      connect(world, 0)
      for (const choice of order) {
        wheel[choice % wheel.length]!(world, Math.floor(choice / wheel.length))
        await world.settle()
      }
      await heal(world)
    }),
    { numRuns: 1500 },
  )
})

type Act = (world: LinkWorld, pick: number) => void

/** What could happen, and how often: mostly what should. */
const acts: [weight: number, act: Act][] = [
  [30, (world, pick) => void world.hear(world.links[pick % world.links.length]!)],
  [30, (world, pick) => processOf(world, pick)?.hear()],
  [20, dispatch],
  [3, (world) => world.sendClaimed()],
  [8, (world, pick) => processOf(world, pick)?.endOne(pick)],
  [4, (world, pick) => processOf(world, pick)?.tellStarted()],
  [3, (world, pick) => processOf(world, pick)?.repeat()],
  [6, (world, pick) => processOf(world, pick)?.heartbeat()],
  [10, connect],
  [4, (world, pick) => void world.pass([10, 1000, 10_000, lostAfterMs][pick % 4]!)],
  [3, (world) => world.tell()],
  [2, (world) => world.sweep()],
  // A link breaks: for the agent, for the controller.
  [3, (world, pick) => processOf(world, pick)?.cut()],
  [3, (world, pick) => world.links[pick % world.links.length]!.session.onClose()],
  // Its jobs go on; what it has sent may still arrive.
  [2, (world, pick) => processOf(world, pick)?.die()],
  [4, (world, pick) => world.startProcess(world.folders[pick % world.folders.length]!)],
  [1, (world, pick) => world.restart(pick % 2)],
  // The same identity at another place.
  [1, (world) => void (world.folders.length < 2 && world.folders.push(new ModelFolder()))],
  [1, (world, pick) => world.fail(pick % 3)],
  [1, cancel],
]
const wheel = acts.flatMap(([weight, act]) => Array.from({ length: weight }, () => act))

function processOf(world: LinkWorld, pick: number): ModelProcess | undefined {
  const alive = world.processes.filter(({ isAlive }) => isAlive)
  return alive[pick % alive.length]
}

function connect(world: LinkWorld, pick: number): void {
  const process = processOf(world, pick)
  if (process && !process.link) world.connect(process, world.controllers[pick % 2]!)
}

function cancel(world: LinkWorld, pick: number): void {
  if (pick % 4 === 0) world.apply({ type: 'cancelRequested', by: 'u', byName: 'Ada' })
  for (const { sessions } of world.controllers) {
    for (const session of sessions) session.deliverCancels().catch(() => undefined)
  }
}

function dispatch(world: LinkWorld, pick: number): void {
  const controller = world.controllers[pick % 2]!
  const jobs = [...world.state.jobs.values()].filter(({ status }) => !isTerminalJob(status))
  const job = jobs[Math.floor(pick / 2) % jobs.length]
  for (const session of controller.sessions) if (job) world.claim(session, controller, job)
  // Mostly at once.
  if (pick % 5) world.sendClaimed()
}

/** From here on everything works again: the run must end. */
async function heal(world: LinkWorld): Promise<void> {
  world.fail(0)
  for (let round = 0; !world.isOver; round++) {
    if (round > 60) throw new Error('the run does not end')
    for (const folder of world.folders) world.startProcess(folder)
    world.sendClaimed()
    world.tell()
    for (const process of world.processes) {
      if (!process.isAlive) continue
      if (process.link) process.heartbeat()
      else world.connect(process, world.controllers[round % 2]!)
    }
    for (let turn = 0; turn < 12; turn++) {
      for (const link of world.links) if (link.toController.length > 0) await world.hear(link)
      await world.settle()
      for (const process of world.processes) {
        if (!process.isAlive) continue
        while (process.link && process.link.toAgent.length > 0) process.hear()
        process.endOne(turn)
      }
      for (const controller of world.controllers) {
        for (const session of controller.sessions) {
          for (const job of world.state.jobs.values()) world.claim(session, controller, job)
        }
      }
      world.sendClaimed()
    }
    for (const process of world.processes) if (process.isAlive) process.repeat()
    await world.pass(5000)
    world.sweep()
  }
}
