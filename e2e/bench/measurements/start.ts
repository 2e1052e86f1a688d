import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { freeAddresses, processesOf, type Started, start as startProduct } from '../../setup/npm-start.ts'
import { waitFor } from '../../setup/wait-for.ts'
import type { Context } from '../context.ts'
import { measurement } from '../measurement.ts'
import { now } from '../now.ts'
import { memoryMb, processorMs } from '../processes.ts'
import { median } from '../statistics.ts'

export const start = measurement({
  name: 'start',
  what: '`npm start` (without npm itself) on a data folder that is there: until its agent is connected, and the resident memory when nothing is left to do.',
  floor: 'A Node that does nothing.',
  figures: {
    warm: { what: 'warm start', unit: 's', better: 'less', aim: { value: 2 } },
    controller: { what: 'memory of the controller', unit: 'MB', better: 'less', aim: { value: 130 } },
    agent: { what: 'memory of the agent, with its helpers', unit: 'MB', better: 'less', aim: { value: 60 } },
    all: { what: 'memory of all that npm start keeps', unit: 'MB', better: 'less' },
  },
  async run(context) {
    const folder = await mkdtemp(join(context.folder, 'start-'))
    const env = { ...context.settings(), ...(await freeAddresses()), ANSFLOW_LOCAL_AGENT_SLOTS: '8' }
    const bare = await context.floor.nodes(context.times(5, 1))
    const taken: Awaited<ReturnType<typeof once>>[] = []
    await once(context, folder, env)
    for (let round = 0; round < context.times(3, 1); round++) taken.push(await once(context, folder, env))
    const floorMb = median(bare.map(({ mb }) => mb))
    return {
      warm: { value: median(taken.map(({ seconds }) => seconds)), floor: median(bare.map(({ ms }) => ms)) / 1000 },
      controller: { value: median(taken.map(({ controller }) => controller)), floor: floorMb },
      agent: { value: median(taken.map(({ agent }) => agent)), floor: floorMb },
      all: { value: median(taken.map(({ all }) => all)) },
    }
  },
})

async function once(context: Context, folder: string, env: Record<string, string>) {
  const began = now()
  const product = startProduct(folder, 'scripts/dev.mjs', env, context.root)
  const end = async () => {
    product.child.kill('SIGTERM')
    await product.ended
    for (const { pid } of processesOf(folder)) process.kill(pid, 'SIGKILL')
  }
  context.keep({ [Symbol.asyncDispose]: end })
  try {
    await connected(product)
    const seconds = (now() - began) / 1000
    const [controller, agent] = [/controller\/(dist|src)\//, /agent\/dist\//].map((program) => {
      const found = processesOf(folder).find(({ command }) => program.test(command))
      if (!found) throw new Error(`${program} does not run.`)
      return found.pid
    })
    let before = Number.NEGATIVE_INFINITY
    const still = () => {
      const last = before
      before = processorMs(controller) + processorMs(agent)
      return before - last <= 10
    }
    await waitFor(still, { what: 'the product has nothing to do', everyMs: 500, timeoutMs: 60_000 })
    return { seconds, controller: memoryMb(controller), agent: memoryMb(agent), all: memoryMb(product.child.pid) }
  } finally {
    await end()
  }
}

function connected({ child, output }: Started): Promise<unknown> {
  return waitFor(() => output().includes('Connected.'), {
    what: 'the agent is connected',
    everyMs: 5,
    timeoutMs: 120_000,
    fatal: () => child.exitCode !== null,
    detail: output,
  })
}
