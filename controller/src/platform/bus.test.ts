// One contract for both drivers; NATS is a real server on a free port.
import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { waitFor } from '../../test/wait-for.ts'
import { type Bus, memoryBus, natsBus } from './bus.ts'
import { createLog } from './log.ts'

const log = createLog('silent')
let server: NatsServer

beforeAll(async () => {
  server = await startNats()
})
afterAll(() => server.stop())

describe.each([
  ['memory', () => memoryBus(log)],
  ['NATS', () => natsBus(server.url, log)],
])('%s', (_name, open) => {
  test('delivers to every receiver of the subject, in order, until it unsubscribes', async () => {
    const bus = open()
    const seen: [string, string][] = []
    const end = bus.subscribe('access.changed', ({ userId }) => seen.push(['first', userId]))
    bus.subscribe('access.changed', ({ userId }) => seen.push(['second', userId]))
    bus.subscribe('job.queued', () => seen.push(['other', '']))
    await bus.settled()
    bus.publish('access.changed', { userId: 'a' })
    bus.publish('access.changed', { userId: 'b' })
    await waitFor(() => seen.length === 4)
    expect(seen).toEqual([
      ['first', 'a'],
      ['second', 'a'],
      ['first', 'b'],
      ['second', 'b'],
    ])
    end()
    bus.publish('access.changed', { userId: 'c' })
    await waitFor(() => seen.length === 5)
    expect(seen.at(-1)).toEqual(['second', 'c'])
    await bus.close()
  })

  test('receivers run after publish has returned, and one that fails harms nobody', async () => {
    const bus = open()
    let seen = 0
    bus.subscribe('job.queued', () => {
      throw new Error('a receiver failed')
    })
    bus.subscribe('job.queued', () => seen++)
    await bus.settled()
    bus.publish('job.queued', { organizationId: 'o' })
    expect(seen).toBe(0)
    await waitFor(() => seen === 1)
    await bus.close()
  })

  test('after close nothing is delivered and publishing is harmless', async () => {
    const bus = open()
    let seen = 0
    bus.subscribe('job.queued', () => seen++)
    await bus.settled()
    await bus.close()
    bus.publish('job.queued', { organizationId: 'o' })
    expect(seen).toBe(0)
  })
})

test('two controllers hear each other over NATS', async () => {
  const [one, two] = [natsBus(server.url, log), natsBus(server.url, log)]
  const seen: string[] = []
  two.subscribe('access.changed', ({ userId }) => seen.push(userId))
  await Promise.all([one.settled(), two.settled()])
  one.publish('access.changed', { userId: 'u' })
  await waitFor(() => seen.length === 1)
  await Promise.all([one.close(), two.close()])
})

test('losing NATS is survived: publishing does not throw, and delivery goes on when it is back', async () => {
  const own = await startNats()
  const [one, two] = [natsBus(own.url, log), natsBus(own.url, log)]
  const seen: string[] = []
  two.subscribe('access.changed', ({ userId }) => seen.push(userId))
  await Promise.all([one.settled(), two.settled()])
  await own.stop()
  one.publish('access.changed', { userId: 'lost' })
  const again = await startNats(own.port)
  await waitFor(() => {
    one.publish('access.changed', { userId: 'back' })
    return seen.includes('back')
  }, 20_000)
  await Promise.all([one.close(), two.close()])
  await again.stop()
})

test('without a server at the start it opens at once, says nothing, and connects later', async () => {
  const port = await freePort()
  const bus: Bus = natsBus(`nats://127.0.0.1:${port}`, log)
  let seen = 0
  bus.subscribe('job.queued', () => seen++)
  bus.publish('job.queued', { organizationId: 'o' })
  const late = await startNats(port)
  await waitFor(() => {
    bus.publish('job.queued', { organizationId: 'o' })
    return seen > 0
  }, 20_000)
  await bus.close()
  await late.stop()
})

interface NatsServer {
  url: string
  port: number
  stop(): Promise<void>
}

async function startNats(port?: number): Promise<NatsServer> {
  const chosen = port ?? (await freePort())
  const child = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(chosen)], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
  })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let failure: Error | undefined
  child.once('error', (error) => {
    failure = new Error(`nats-server is needed for this test and cannot be started: ${error.message}`)
  })
  let output = ''
  child.stderr.on('data', (data) => {
    output += String(data)
  })
  await waitFor(() => {
    if (failure) throw failure
    return output.includes('Server is ready')
  })
  return {
    url: `nats://127.0.0.1:${chosen}`,
    port: chosen,
    async stop() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}
