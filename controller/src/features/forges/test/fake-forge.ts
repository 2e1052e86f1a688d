// Small servers that answer as forges do: they want the address, the credentials and the fields that the real ones want, and remember
// what they were told. Whatever they do not know is refused, so that a client cannot ask for what there is not.
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'

export interface FakeAnswer {
  status?: number
  headers?: Record<string, string>
  body?: JsonValue
}

export interface Asked {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: JsonObject
}

export type Route = [method: string, path: RegExp, answer: (params: string[], asked: Asked) => FakeAnswer]

/** What is wrong with all answers: one is given in their place, or none, or one that no client takes. */
/** unheard: what is asked to be changed is changed, and no answer comes. */
export type Fault = 'html' | 'large' | 'hang' | 'cut' | 'unheard' | FakeAnswer

export interface FakeForge {
  /** Of the forge, as connections have it. */
  url: string
  /** Where its repositories are cloned from: a real git server of a test. Empty: nowhere that answers. */
  gitUrl: string
  /** The token that is right. */
  token: string
  hooks: FakeHook[]
  statuses: FakeStatus[]
  /** That AnsFlow has opened. */
  pulls: FakePull[]
  /** On pull requests, the oldest first. */
  comments: FakeComment[]
  /** That it keeps records of, the oldest first. */
  deployments: FakeDeployment[]
  /** Whether the credentials have the permission for these. */
  mayDeploy: boolean
  /** By which AnsFlow writes. */
  account: string
  asked: Asked[]
  fault: Fault | undefined
  /** Waited for before anything is answered. */
  meanwhile: ((asked: Asked) => Promise<unknown>) | undefined
  close(): Promise<void>
}

export interface FakeHook {
  repository: string
  id: string
  url: string
  secret: string
  /** In the forge's words, sorted. */
  events: string[]
}

/** In the forge's words. */
export interface FakeStatus {
  repository: string
  commit: string
  name: string
  state: string
  description: string
  url: string
}

export interface FakePull {
  repository: string
  number: number
  head: string
  base: string
  title: string
  body: string
  isOpen: boolean
}

export interface FakeComment {
  repository: string
  number: number
  id: string
  author: string
  body: string
}

/** In the forge's words. */
export interface FakeDeployment {
  id: string
  commit: string
  environment: string
  ref: string
  isTransient: boolean
  /** Newest last. */
  states: string[]
  url: string
}

export type Remembered = Pick<
  FakeForge,
  'url' | 'gitUrl' | 'hooks' | 'statuses' | 'pulls' | 'comments' | 'account' | 'deployments' | 'mayDeploy'
>

export interface FakeKind {
  /** Where its interface begins: "/api/v1". */
  base: string
  isLetIn(headers: IncomingHttpHeaders, path: string): boolean
  /** Each with what follows the base. */
  routes(remembered: Remembered): Route[]
}

/** Asks for what a request must hold. */
export class WrongRequest extends Error {}

export function text(body: JsonObject, field: string): string {
  const value = body[field]
  if (typeof value !== 'string' || value === '') throw new WrongRequest(`${field} is missing`)
  return value
}

export function object(body: JsonObject, field: string): JsonObject {
  const value = body[field]
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new WrongRequest(`${field} is missing`)
  return value
}

export function oneOf(body: JsonObject, field: string, words: string[]): string {
  const value = text(body, field)
  if (!words.includes(value)) throw new WrongRequest(`${field} is not one of ${words.join(', ')}`)
  return value
}

/** Of a list, as much as one page of it holds. */
export function pageOf<T>(all: readonly T[], query: URLSearchParams, size: string, most: number): T[] {
  const each = Math.min(Number(query.get(size) ?? 30), most)
  const page = Number(query.get('page') ?? 1)
  return all.slice((page - 1) * each, page * each)
}

export const missing: FakeAnswer = { status: 404, body: { message: 'Not Found' } }
export const gone: FakeAnswer = { status: 204 }

export async function startFakeForge(kind: FakeKind, token: string): Promise<FakeForge> {
  const fake = {
    url: '',
    gitUrl: '',
    token,
    hooks: [],
    statuses: [],
    pulls: [],
    comments: [],
    deployments: [],
    mayDeploy: true,
    account: 'ann',
    asked: [] as Asked[],
    fault: undefined,
    meanwhile: undefined,
  }
  const forge: FakeForge = { ...fake, close: () => new Promise((resolve) => server.close(() => resolve())) }
  const routes = kind.routes(forge)

  function answerTo(asked: Asked): FakeAnswer {
    if (!asked.path.startsWith(`${kind.base}/`)) return missing
    const path = asked.path.slice(kind.base.length)
    if (!kind.isLetIn(asked.headers, path)) return { status: 401, body: { message: 'Bad credentials' } }
    for (const [method, pattern, answer] of routes) {
      const match = method === asked.method ? pattern.exec(path) : null
      if (match) return answer(match.slice(1).map(decodeURIComponent), asked)
    }
    return missing
  }

  const server = createServer((request, response) => {
    void take(request, response)
  })

  async function take(request: IncomingMessage, response: ServerResponse) {
    const parts: Buffer[] = []
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part)
    const { pathname: path, searchParams: query } = new URL(request.url ?? '/', 'http://forge')
    const sent = Buffer.concat(parts).toString('utf8')
    const { method = '', headers } = request
    const isJson = sent === '' || /^application\/json/.test(headers['content-type'] ?? '')
    const body = sent === '' || !isJson ? {} : (JSON.parse(sent) as JsonObject)
    const asked = { method, path, query, headers, body }
    forge.asked.push(asked)
    await forge.meanwhile?.(asked)
    const { fault } = forge
    if (fault === 'hang') return
    if (fault === 'cut') return void response.socket?.destroy()
    if (fault === 'html') return void response.setHeader('content-type', 'text/html').end('<html>Sign in</html>')
    if (fault === 'large') return void response.end(JSON.stringify({ login: 'x'.repeat(3 * 1024 * 1024) }))
    const done = typeof fault === 'object' ? undefined : isJson ? tried(asked) : { status: 415 }
    if (fault === 'unheard' && method !== 'GET') return void response.socket?.destroy()
    const answer = typeof fault === 'object' ? fault : done!
    response.statusCode = answer.status ?? 200
    for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value)
    response.end(answer.body === undefined ? '' : JSON.stringify(answer.body))
  }

  function tried(asked: Asked): FakeAnswer {
    try {
      return answerTo(asked)
    } catch (error) {
      if (!(error instanceof WrongRequest)) return { status: 500, body: { message: String(error) } }
      return { status: 422, body: { message: error.message } }
    }
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  forge.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return forge
}
