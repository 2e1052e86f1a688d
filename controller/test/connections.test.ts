// How many connections one address may have: the same on both doors, and nobody else's go for it.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { AuthService } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { afterEach, expect, test } from 'vitest'
import { startController, type TestController } from './start-controller.ts'
import { waitFor } from './wait-for.ts'

const most = 500
let c: TestController
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await c[Symbol.asyncDispose]()
})

const doors: [string, () => number][] = [
  ['HTTP', () => Number(new URL(c.url).port)],
  ['gRPC', () => Number(new URL(`http://${c.grpcAddress}`).port)],
]

async function open(port: number, from: string): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: from })
  sockets.push(socket)
  socket.on('error', () => undefined)
  socket.resume()
  await once(socket, 'connect')
  return socket
}

test.each(doors)('%s', async (_, port) => {
  c = await startController()
  const flood = await Promise.all(Array.from({ length: most + 20 }, () => open(port(), '127.0.0.2')))
  await waitFor(() => flood.filter(({ destroyed }) => destroyed).length === 20)
  const another = await open(port(), '127.0.0.3')
  expect((await c.grpcClient(AuthService, c.owner.token).getMe({})).user?.id).toBe(c.owner.userId)
  expect((await c.as(c.owner).client(AuthService).getMe({})).user?.id).toBe(c.owner.userId)
  // A place that was given back is taken again.
  const [left] = flood.filter(({ destroyed }) => !destroyed)
  left?.destroy()
  await waitFor(async () => {
    const again = await open(port(), '127.0.0.2')
    await Promise.race([once(again, 'close'), c.as(c.owner).client(AuthService).getMe({})])
    return !again.destroyed
  })
  expect(another.destroyed).toBe(false)
})

test.each(doors)('%s: those of a trusted proxy are not counted', async (_, port) => {
  c = await startController({ config: { trustedProxies: ['127.0.0.4/32'] } })
  await Promise.all(Array.from({ length: most + 20 }, () => open(port(), '127.0.0.4')))
  await c.grpcClient(AuthService, c.owner.token).getMe({})
  expect(sockets.filter(({ destroyed }) => destroyed)).toEqual([])
})
