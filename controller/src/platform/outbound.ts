// The only client for what the controller asks of other hosts at the wish of people. Names are looked up here, and what is
// connected to is an address that the rules allow: also after a redirect, and whatever a name says the next time.
import { lookup } from 'node:dns/promises'
import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { isAllowedAddress, isAllowedHost, type OutboundAllowed } from './outbound-rules.ts'

export interface OutboundRequest {
  method: string
  url: string
  headers: readonly (readonly [name: string, value: string])[]
  body: string
  /** How many redirects are followed. */
  redirects: number
  /** Of the answer's body; one that is larger is an error. */
  mostBytes: number
  signal: AbortSignal
}

export interface OutboundAnswer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
  /** Where the redirects led. */
  url: string
}

export interface Outbound {
  request(request: OutboundRequest): Promise<OutboundAnswer>
  /** For programs that connect by themselves: where a host is, of what is allowed. They are to go to nothing else. */
  addresses(host: string, signal: AbortSignal): Promise<string[]>
}

export type OutboundFault = 'refused' | 'unreachable' | 'redirects' | 'too_large' | 'aborted'

/** Why nothing was asked: for who says it in other words than the message. `unconnected`: nothing answers there. */
export interface OutboundCause {
  why: 'not_public' | 'unknown_host' | 'unconnected'
  host: string
}

export class OutboundError extends Error {
  override readonly name = 'OutboundError'
  readonly fault: OutboundFault
  readonly about: OutboundCause | undefined

  constructor(fault: OutboundFault, message: string, about?: OutboundCause) {
    super(message)
    this.fault = fault
    this.about = about
  }
}

interface Deps {
  allowed: OutboundAllowed
  /** Of tests: what a name stands for. */
  resolve?: (host: string) => Promise<string[]>
}

export function createOutbound({ allowed, resolve = resolveHost }: Deps): Outbound {
  async function usable(host: string, signal: AbortSignal): Promise<string[]> {
    const addresses = await orAborted(resolve(host), signal).catch(() => {
      throw new OutboundError('unreachable', `The host ${host} is not known.`, { why: 'unknown_host', host })
    })
    const any = isAllowedHost(host, allowed)
    const found = addresses.filter((address) => any || isAllowedAddress(address, allowed))
    if (found.length === 0) throw refusedHost(host, addresses)
    return found
  }

  async function open(url: URL, signal: AbortSignal): Promise<Socket> {
    const host = hostOf(url)
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
    const any = isAllowedHost(host, allowed)
    let last: unknown
    for (const address of await usable(host, signal)) {
      try {
        return await openSocket(url, address, port, signal, any)
      } catch (error) {
        if (error instanceof OutboundError || signal.aborted) throw error
        last = error
      }
    }
    const message = `${host} could not be reached: ${messageOf(last)}.`
    const nobody = unanswered.has((last as NodeJS.ErrnoException).code ?? '')
    throw new OutboundError('unreachable', message, nobody ? { why: 'unconnected', host: url.host } : undefined)
  }

  async function openSocket(
    url: URL,
    address: string,
    port: number,
    signal: AbortSignal,
    any: boolean,
  ): Promise<Socket> {
    const socket = connect({ host: address, port, signal })
    await opened(socket, 'connect')
    // What counts is where it really is.
    const peer = socket.remoteAddress ?? ''
    if (!any && !isAllowedAddress(peer, allowed)) {
      socket.destroy()
      throw refusedHost(hostOf(url), [peer])
    }
    if (url.protocol === 'http:') return socket
    const host = hostOf(url)
    const secure = connectTls({
      socket,
      ...(host === address ? {} : { servername: host }),
      host,
      ALPNProtocols: ['http/1.1'],
    })
    await opened(secure, 'secureConnect')
    return secure
  }

  async function send(request: OutboundRequest, url: URL): Promise<OutboundAnswer> {
    const socket = await open(url, request.signal)
    try {
      const message = await exchange(request, url, socket)
      return {
        status: message.statusCode ?? 0,
        headers: message.headers,
        body: await bodyOf(message, request.mostBytes),
        url: url.href,
      }
    } catch (error) {
      if (error instanceof OutboundError || request.signal.aborted) throw error
      throw new OutboundError('unreachable', `${hostOf(url)} did not answer: ${messageOf(error)}.`)
    } finally {
      socket.destroy()
    }
  }

  return {
    async addresses(host, signal) {
      try {
        return await usable(host, signal)
      } catch (error) {
        if (signal.aborted) throw new OutboundError('aborted', 'The request was ended.')
        throw error
      }
    },
    async request(request) {
      try {
        let next = { ...request }
        for (let left = request.redirects; ; left--) {
          const url = urlOf(next.url)
          const answer = await send(next, url)
          const target = redirectOf(next, answer)
          if (!target || request.redirects === 0) return answer
          if (left === 0) throw new OutboundError('redirects', `There are more than ${request.redirects} redirects.`)
          next = target
        }
      } catch (error) {
        if (request.signal.aborted) throw new OutboundError('aborted', 'The request was ended.')
        throw error
      }
    },
  }
}

/** Nobody is there. A certificate that is not trusted is somebody. */
const unanswered = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT'])

/** A name that is being looked up is not waited for longer than anything else. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = () => reject(signal.reason)
    if (signal.aborted) end()
    signal.addEventListener('abort', end, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', end))
  })
}

async function resolveHost(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address)
}

function refusedHost(host: string, addresses: string[]): OutboundError {
  const where = addresses.filter((address) => address !== host).join(', ')
  const message = `${host}${where ? ` (${where})` : ''} is not a public address, and the controller's settings do not allow it (ANSFLOW_OUTBOUND_ALLOW).`
  return new OutboundError('refused', message, { why: 'not_public', host })
}

function urlOf(text: string): URL {
  const url = URL.parse(text)
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new OutboundError('refused', 'This is no address of the form https://host/path.')
  }
  if (url.username || url.password) {
    throw new OutboundError('refused', 'An address with a user or password in it is refused: use a header.')
  }
  return url
}

/** As names and addresses are compared: small, without the brackets of IPv6 or a dot at the end. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
}

function opened(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, () => {
      socket.off('error', reject)
      // Later ones are the exchange's, which sees them by itself.
      socket.on('error', () => undefined)
      resolve()
    })
    socket.once('error', reject)
  })
}

function exchange(request: OutboundRequest, url: URL, socket: Socket): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { method, body, signal } = request
    const headers: Record<string, string> = { 'user-agent': 'ansflow', accept: '*/*', 'accept-encoding': 'identity' }
    for (const [name, value] of request.headers) headers[name.toLowerCase()] = value
    headers.host = url.host
    headers.connection = 'close'
    if (body !== '') headers['content-length'] = String(Buffer.byteLength(body))
    const path = url.pathname + url.search
    const sending = http.request({ method, path, headers, signal, createConnection: () => socket, setHost: false })
    sending.once('response', resolve)
    sending.once('upgrade', () => reject(new Error('it wants to speak another protocol')))
    sending.once('error', reject)
    sending.end(body)
  })
}

async function bodyOf(message: IncomingMessage, mostBytes: number): Promise<Buffer> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of message as AsyncIterable<Buffer>) {
    size += part.length
    if (size > mostBytes) throw new OutboundError('too_large', `The answer is larger than ${mostBytes / 1024} KiB.`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/** Headers that may follow to another host; all others may hold what is meant for the first alone. */
const travelling = new Set(['accept', 'content-type', 'user-agent'])

/** What is asked next; undefined: the answer is no redirect, or not one that is followed. */
function redirectOf(request: OutboundRequest, { status, headers }: OutboundAnswer): OutboundRequest | undefined {
  if (![301, 302, 303, 307, 308].includes(status) || !headers.location) return undefined
  const from = new URL(request.url)
  const to = URL.parse(headers.location, from.href)
  if (!to) return undefined
  if (from.protocol === 'https:' && to.protocol === 'http:') return undefined
  const same = from.origin === to.origin
  const again = status >= 307 || request.method === 'GET' || request.method === 'HEAD'
  // A body is meant for the host it was written for.
  if (again && !same && request.body !== '') return undefined
  return {
    ...request,
    url: to.href,
    headers: same ? request.headers : request.headers.filter(([name]) => travelling.has(name.toLowerCase())),
    ...(again ? {} : { method: 'GET', body: '' }),
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
