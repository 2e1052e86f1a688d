// How many connections one address may have open.
import { BlockList, isIPv6, type Server, type Socket } from 'node:net'
import { placeOf } from '../platform/place.ts'

const mostOfOne = 500

/** Those of trusted proxies carry many people and are not counted. */
export function boundConnections(server: Server, trustedProxies: string[]): void {
  const trusted = new BlockList()
  for (const proxy of trustedProxies) {
    const [address = '', bits] = proxy.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (bits === undefined) trusted.addAddress(address, family)
    else trusted.addSubnet(address, Number(bits), family)
  }
  const open = new Map<string, number>()

  server.on('connection', (socket: Socket) => {
    const { remoteAddress = '' } = socket
    const place = placeOf(remoteAddress)
    if (trusted.check(remoteAddress, isIPv6(remoteAddress) ? 'ipv6' : 'ipv4')) return
    const count = (open.get(place) ?? 0) + 1
    open.set(place, count)
    socket.once('close', () => {
      const left = (open.get(place) ?? 1) - 1
      if (left === 0) open.delete(place)
      else open.set(place, left)
    })
    if (count > mostOfOne) socket.destroy()
  })
}
