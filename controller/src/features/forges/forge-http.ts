// Asking a forge's interface: JSON over the outbound client, what each refusal means, and no secret in what is said of it.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import { type Outbound, type OutboundAnswer, OutboundError } from '../../platform/outbound.ts'
import { ForgeError } from './forge.ts'
import { IncompleteError, isRepositoryName, Part, shownText } from './payload.ts'
import { retryAtOf } from './retry-at.ts'

export type Header = readonly [name: string, value: string]

export interface ForgeRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the interface's address, with what stands after "?": "/repos/acme/shop". */
  path: string
  headers: readonly Header[]
  body?: JsonObject
  /** Never in a message. */
  secrets: readonly string[]
}

export interface ForgeAnswer {
  headers: OutboundAnswer['headers']
  body: Part
}

export interface ForgeHttp {
  ask(request: ForgeRequest, signal: AbortSignal): Promise<ForgeAnswer>
}

/** A page of a hundred repositories with all that forges tell of them is less than half of it. */
const mostBytes = 2 * 1024 * 1024
/** Of lists that are gone through. */
export const mostPages = 10

/** `name`: of the forge, for messages. `base`: of its interface, without a slash at its end. */
export function createForgeHttp(name: string, base: string, outbound: Outbound): ForgeHttp {
  async function send({ method, path, headers, body }: ForgeRequest, signal: AbortSignal): Promise<OutboundAnswer> {
    const json: Header[] = body ? [['content-type', 'application/json']] : []
    try {
      return await outbound.request({
        method,
        url: base + path,
        headers: [['accept', 'application/json'], ...json, ...headers],
        body: body ? JSON.stringify(body) : '',
        // What is asked to be changed is changed where it was said, or not at all.
        redirects: method === 'GET' ? 3 : 0,
        mostBytes,
        signal,
      })
    } catch (error) {
      if (!(error instanceof OutboundError)) throw error
      const { fault, message, about } = error
      if (fault === 'refused') throw new ForgeError('refused', message, undefined, about)
      const said = fault === 'aborted' ? `${name} did not answer in time.` : message
      throw new ForgeError('unreachable', said, undefined, about)
    }
  }

  return {
    async ask(request, signal) {
      const answer = await send(request, signal)
      const { status, headers } = answer
      if (status < 200 || status > 299) throw refusal(name, answer, request.secrets)
      return { headers, body: new Part(jsonOf(name, answer.body)) }
    },
  }
}

function refusal(name: string, { status, headers, body }: OutboundAnswer, secrets: readonly string[]): ForgeError {
  const said = saidOf(body, secrets)
  const message = `${name} answered ${status}${said === '' ? '.' : `: ${said}`}`
  const retryAt = retryAtOf(headers)
  if (status === 429 || (status === 403 && retryAt)) return new ForgeError('limited', message, retryAt)
  if (status === 401 || status === 403) return new ForgeError('denied', message)
  // Moved for good, or gone.
  if (status === 404 || status === 410 || (status >= 300 && status < 400)) return new ForgeError('missing', message)
  if (status >= 400 && status < 500 && status !== 408 && status !== 425) return new ForgeError('refused', message)
  return new ForgeError('unreachable', message, retryAt)
}

/** Why, in the forge's words, as far as it says so in JSON. */
function saidOf(body: Buffer, secrets: readonly string[]): string {
  let json: JsonValue
  try {
    json = JSON.parse(body.toString('utf8')) as JsonValue
  } catch {
    return ''
  }
  const answer = new Part(json)
  const said = ['message', 'error_description', 'error.message', 'error'].map((path) => answer.at(path).value)
  const text = said.find((each) => each !== undefined && each !== null) ?? ''
  const words = typeof text === 'string' ? text : JSON.stringify(text)
  const clean = secrets.filter((each) => each !== '').reduce((all, secret) => all.replaceAll(secret, '…'), words)
  return shownText(clean, 300, 'line')
}

function jsonOf(name: string, body: Buffer): JsonValue {
  if (body.length === 0) return null
  try {
    return JSON.parse(body.toString('utf8')) as JsonValue
  } catch {
    throw new ForgeError('unreachable', `${name} answered with something that is no JSON.`)
  }
}

/** What an answer lacks is an error of the forge. */
export function readAnswer<T>(name: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof IncompleteError)) throw error
    const where = shownText(error.path, 100, 'line')
    throw new ForgeError('unreachable', `${name} answered without the field ${where}, or with something else in it.`)
  }
}

/** Pages until `found` says that it is enough, one is not full, or there were too many. */
export async function eachPage(
  pageSize: number,
  page: (number: number) => Promise<Part[]>,
  isEnough: (items: Part[]) => boolean,
): Promise<void> {
  for (let number = 1; number <= mostPages; number++) {
    const items = await page(number)
    if (isEnough(items) || items.length < pageSize) return
  }
}

/** "acme/shop" as it stands in paths. What is no such name is no repository either. */
export function repositoryPath(fullName: string): string {
  if (!isRepositoryName(fullName)) throw new ForgeError('missing', 'There is no repository of this name.')
  return fullName.split('/').map(encodeURIComponent).join('/')
}

export function queryOf(values: Record<string, string | number>): string {
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(values)) query.set(key, String(value))
  return `?${query.toString()}`
}

/** An id that a forge gave, in a path. */
export function idIn(path: Part): string {
  const { value } = path
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return String(value)
  const text = path.text()
  if (!/^[\w{}-]{1,100}$/.test(text)) throw path.wrong()
  return text
}

/** Of an id that AnsFlow has kept. */
export function idPath(id: string): string {
  if (!/^[\w{}-]{1,100}$/.test(id)) throw new ForgeError('missing', 'There is nothing with this id.')
  return encodeURIComponent(id)
}

/** What is asked with the same credentials each time. */
export type Ask = (
  method: ForgeRequest['method'],
  path: string,
  signal: AbortSignal,
  body?: JsonObject,
) => Promise<ForgeAnswer>

export function askWith(http: ForgeHttp, headers: readonly Header[], secrets: readonly string[]): Ask {
  return (method, path, signal, body) =>
    http.ask({ method, path, headers, secrets, ...(body !== undefined && { body }) }, signal)
}
