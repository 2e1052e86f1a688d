// The guard of the outbound client, against servers on loopback: no name, notation, redirect or second answer of a resolver leads to
// an address that is not allowed.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { createOutbound, OutboundError, type OutboundRequest } from './outbound.ts'
import { isAllowedAddress, readAllowed } from './outbound-rules.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

type Answer = (request: IncomingMessage, response: ServerResponse) => void

async function serve(answer: Answer, host = '127.0.0.1') {
  const heard: IncomingMessage[] = []
  const server = createServer((request, response) => {
    heard.push(request)
    request.resume()
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  closing.push(() => new Promise((resolve) => server.close(resolve)))
  const { port } = server.address() as AddressInfo
  return { heard, port, url: `http://127.0.0.1:${port}` }
}

const asked = (url: string, over: Partial<OutboundRequest> = {}): OutboundRequest => ({
  method: 'GET',
  url,
  headers: [],
  body: '',
  redirects: 5,
  mostBytes: 1024,
  signal: AbortSignal.timeout(5000),
  ...over,
})

const none = readAllowed('')
const fault = (work: Promise<unknown>) =>
  work.then(
    () => 'answered',
    (error: unknown) => (error instanceof OutboundError ? error.fault : String(error)),
  )

describe('an address', () => {
  test.each([
    ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.255.255.254', '169.254.169.254', '172.16.0.1'],
    ...['172.31.255.255', '192.0.0.192', '192.168.1.1', '198.18.0.1', '224.0.0.1', '239.1.1.1', '255.255.255.255'],
    ...[
      '::',
      '::1',
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
      '::ffff:169.254.169.254',
      '::127.0.0.1',
      'fe80::1',
      'fe80::1%eth0',
    ],
    ...['fc00::1', 'fd00:ec2::254', 'ff02::1', '64:ff9b::7f00:1', '2001::1', '2001:db8::1', '2002:7f00:1::', 'fec0::1'],
    ...['localhost', '', '127.1', '0x7f000001'],
  ])('%s is not public', (address) => {
    expect(isAllowedAddress(address, none)).toBe(false)
  })

  test.each(['1.1.1.1', '8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a00:1450::1'])(
    '%s is',
    (address) => {
      expect(isAllowedAddress(address, none)).toBe(true)
    },
  )

  test('is allowed by its network, also in the notation of IPv6', () => {
    const allowed = readAllowed('10.1.0.0/16, fd00::/8')
    expect(['10.1.9.9', '::ffff:10.1.9.9', 'fd00::5'].map((each) => isAllowedAddress(each, allowed))).toEqual([
      true,
      true,
      true,
    ])
    expect(['10.2.0.1', 'fc00::1'].map((each) => isAllowedAddress(each, allowed))).toEqual([false, false])
  })

  test('of a private network is never public, whichever', () => {
    const octet = fc.nat(255)
    const privates = fc.oneof(
      fc.tuple(fc.constantFrom(0, 10, 127), octet, octet, octet),
      fc.tuple(fc.constant(192), fc.constant(168), octet, octet),
      fc.tuple(fc.constant(169), fc.constant(254), octet, octet),
      fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), octet, octet),
      fc.tuple(fc.integer({ min: 224, max: 255 }), octet, octet, octet),
    )
    fc.assert(
      fc.property(privates, (parts) => {
        const address = parts.join('.')
        expect([address, `::ffff:${address}`].map((each) => isAllowedAddress(each, none))).toEqual([false, false])
      }),
    )
  })

  test.each(['10.0.0.0/33', '10.0.0.0/x', 'a b', '1.2.3', 'http://x', '*.example.org', '10.0.0.0-10.0.0.9'])(
    'the setting refuses %j',
    (text) => {
      expect(() => readAllowed(text)).toThrow(/neither a host name nor/)
    },
  )
})

describe('a request', () => {
  test.each([
    '127.0.0.1',
    'localhost',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '0x7f.1',
    '127.1',
    '0',
    '[::1]',
    '[::ffff:7f00:1]',
  ])('to %s is refused, and nobody hears of it', async (host) => {
    const server = await serve((_, response) => void response.end())
    expect(await fault(createOutbound({ allowed: none }).request(asked(`http://${host}:${server.port}/`)))).toBe(
      'refused',
    )
    expect(server.heard).toEqual([])
  })

  test.each([
    'ftp://example.org/',
    'file:///etc/passwd',
    'http://user:pw@127.0.0.1/',
    'http://user@127.0.0.1/',
    'nothing',
  ])('to %s is refused by its form', async (url) => {
    expect(await fault(createOutbound({ allowed: readAllowed('127.0.0.1') }).request(asked(url)))).toBe('refused')
  })

  test('goes to a host that is allowed by name, on any port, and only by that name', async () => {
    const server = await serve((request, response) => void response.end(request.headers.host))
    const resolve = async () => ['127.0.0.1']
    const outbound = createOutbound({ allowed: readAllowed('Hooks.Internal'), resolve })
    const { body } = await outbound.request(asked(`http://hooks.internal:${server.port}/`))
    expect(body.toString()).toBe(`hooks.internal:${server.port}`)
    expect((await outbound.request(asked(`http://HOOKS.internal.:${server.port}/`))).status).toBe(200)
    expect(await fault(outbound.request(asked(`http://hooks.internal.example.org:${server.port}/`)))).toBe('refused')
  })

  test('is looked up once and goes where that said: a second answer of the resolver changes nothing', async () => {
    const server = await serve((_, response) => void response.end())
    let asking = 0
    // Public at first, loopback afterwards.
    const resolve = async () => [asking++ === 0 ? '192.0.2.1' : '127.0.0.1']
    const outbound = createOutbound({ allowed: readAllowed('192.0.2.0/24'), resolve })
    const signal = AbortSignal.timeout(300)
    const first = await fault(outbound.request(asked(`http://rebind.example.org:${server.port}/`, { signal })))
    expect(['aborted', 'unreachable']).toContain(first)
    expect(asking).toBe(1)
    expect(await fault(outbound.request(asked(`http://rebind.example.org:${server.port}/`)))).toBe('refused')
    expect(server.heard).toEqual([])
  })

  test('of a name with many addresses goes to an allowed one', async () => {
    const server = await serve((_, response) => void response.end('here'))
    const resolve = async () => ['127.0.0.2', '::1', '127.0.0.1']
    const outbound = createOutbound({ allowed: readAllowed('127.0.0.1'), resolve })
    expect((await outbound.request(asked(`http://many.example.org:${server.port}/`))).body.toString()).toBe('here')
  })

  test.each([
    ['loopback by another address', (port: number) => `http://127.0.0.2:${port}/`],
    ['loopback by name', (port: number) => `http://localhost:${port}/`],
    ['the metadata of a cloud', () => 'http://169.254.169.254/latest/meta-data/'],
    ['another scheme', () => 'file:///etc/passwd'],
    ['an address with a password', (port: number) => `http://a:b@127.0.0.1:${port}/`],
  ])('that is redirected to %s ends there', async (_, target) => {
    const server = await serve((request, response) => {
      if (request.url === '/start') response.writeHead(302, { location: target(server.port) }).end()
      else response.end('reached')
    })
    const resolve = async (host: string) => [host === 'localhost' ? '127.0.0.3' : host]
    const outbound = createOutbound({ allowed: readAllowed('127.0.0.1'), resolve })
    expect(await fault(outbound.request(asked(`${server.url}/start`)))).toBe('refused')
    expect(server.heard).toHaveLength(1)
  })

  test('takes no secrets along to another host, and no body', async () => {
    const other = await serve((_, response) => void response.end('other'))
    const server = await serve((request, response) => {
      const status = request.url === '/307' ? 307 : 302
      response.writeHead(status, { location: `${other.url}/x` }).end()
    })
    const outbound = createOutbound({ allowed: readAllowed('127.0.0.1') })
    const headers = [
      ['Authorization', 'Bearer x'],
      ['X-Key', 'x'],
      ['Accept', 'text/plain'],
    ] as const
    await outbound.request(asked(`${server.url}/302`, { headers, method: 'POST', body: 'secret' }))
    expect(other.heard[0]).toMatchObject({ method: 'GET', headers: { accept: 'text/plain' } })
    expect(other.heard[0]?.headers).not.toHaveProperty('authorization')
    expect(other.heard[0]?.headers).not.toHaveProperty('x-key')
    const kept = await outbound.request(asked(`${server.url}/307`, { method: 'POST', body: 'secret' }))
    expect([kept.status, other.heard.length]).toEqual([307, 1])
  })

  test('ends after its redirects, its bytes and its time', async () => {
    const server = await serve((request, response) => {
      if (request.url === '/round') response.writeHead(302, { location: '/round' }).end()
      else if (request.url === '/large') response.end('x'.repeat(2000))
    })
    const outbound = createOutbound({ allowed: readAllowed('127.0.0.1') })
    expect(await fault(outbound.request(asked(`${server.url}/round`)))).toBe('redirects')
    expect(server.heard).toHaveLength(6)
    expect((await outbound.request(asked(`${server.url}/round`, { redirects: 0 }))).status).toBe(302)
    expect(await fault(outbound.request(asked(`${server.url}/large`)))).toBe('too_large')
    expect(await fault(outbound.request(asked(`${server.url}/hang`, { signal: AbortSignal.timeout(100) })))).toBe(
      'aborted',
    )
    // A name that is being looked up is not waited for longer either.
    const endless = createOutbound({ allowed: none, resolve: () => new Promise(() => undefined) })
    const asking = asked('http://slow.example/', { signal: AbortSignal.timeout(100) })
    expect(await fault(endless.request(asking))).toBe('aborted')
  })

  test('ends when the answer is another protocol', async () => {
    const server = createTcpServer((socket) =>
      socket.once('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'),
      ),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => new Promise((resolve) => server.close(resolve)))
    const outbound = createOutbound({ allowed: readAllowed('127.0.0.1') })
    const { port } = server.address() as AddressInfo
    expect(await fault(outbound.request(asked(`http://127.0.0.1:${port}/`)))).toBe('unreachable')
  })
})
