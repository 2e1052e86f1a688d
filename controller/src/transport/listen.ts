// A TCP port on every address of a host, of whose visitors none may open too many connections.
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { boundConnections } from './connections.ts'

export interface Listening {
  port: number
  /** Takes no new connections; resolves once those that are open have closed. */
  close(): Promise<unknown>
}

interface ListenOptions {
  host: string
  port: number
  trustedProxies: string[]
}

/** Fails like `listen` of a server, unless another address of the host could be taken. */
export async function listen(
  { host, port, trustedProxies }: ListenOptions,
  take: (socket: Socket) => void,
): Promise<Listening> {
  const servers: Server[] = []
  let refusal: unknown
  for (const { address } of await lookup(host, { all: true })) {
    const server = createServer()
    boundConnections(server, trustedProxies)
    server.on('connection', (socket) => {
      if (!socket.destroyed) take(socket)
    })
    try {
      server.listen({ host: address, port })
      await once(server, 'listening')
      servers.push(server)
      port = (server.address() as AddressInfo).port
    } catch (error) {
      refusal ??= error
    }
  }
  if (servers.length === 0) throw refusal
  return {
    port,
    close: () => Promise.all(servers.map((server) => once(server.close(), 'close'))),
  }
}
