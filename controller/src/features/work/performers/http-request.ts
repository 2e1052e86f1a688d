// Sends the request of an http_request step, again where its own retries say so, and reads its outputs out of the answer.
import { setTimeout as pause } from 'node:timers/promises'
import { limits, utf8Length } from '@ansflow/proto/limits'
import { type Reason, reason } from '@ansflow/proto/reasons'
import { expectedText, type HttpRequest, isExpected } from '@ansflow/proto/steps/http-request'
import { valueAt } from '@ansflow/proto/steps/json-pointer'
import type { JsonValue } from '@bufbuild/protobuf'
import { type OutboundAnswer, OutboundError } from '../../../platform/outbound.ts'
import type { Performed, Performer, Performing } from '../performer.ts'

const mostBytes = 1024 * 1024
/** Of the answer's body, in the log. */
const shownBytes = 4096
const passing: ReadonlySet<number> = new Set([429, 502, 503, 504])
const longestPauseMs = 60_000
/** Shorter values would hide ordinary words. */
const leastHidden = 4

export const httpRequest: Performer = async (work) => {
  const request = work.request as unknown as HttpRequest
  for (let left = request.retries; ; left--) {
    const { answer, failure } = await send(work, request)
    const again = answer ? passing.has(answer.status) && !isExpected(request, answer.status) : failure.passing
    if (!again || left === 0) return answer ? judge(work, request, answer) : { why: failure.why }
    const ms = pauseMs(request.retries - left, answer)
    work.line(`Trying again in ${ms / 1000} s, ${left} ${left === 1 ? 'try' : 'tries'} left.`)
    await pause(ms, undefined, { signal: work.signal })
  }
}

type Sent =
  | { answer: OutboundAnswer; failure?: undefined }
  | { answer?: undefined; failure: { why: Reason; passing: boolean } }

async function send(
  { request, filled, secrets, key, outbound, signal, line }: Performing,
  asked: HttpRequest,
): Promise<Sent> {
  const { method, url, headers, body, redirects, timeoutMs } = filled as unknown as HttpRequest
  line(`${method} ${withoutMarks(String(request.url))}`)
  const began = performance.now()
  const late = AbortSignal.timeout(timeoutMs)
  const host = URL.parse(url)?.hostname ?? ''
  // A host that came out of a secret is part of it, and an answer may repeat what it was sent.
  const hidden = [...spellings(secrets), ...(host === '' || asked.url.includes(host) ? [] : [host])]
  const hide = (said: string) => hidden.reduce((text, secret) => text.replaceAll(secret, '***'), said)
  const given = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  if (method !== 'GET' && method !== 'HEAD' && !given.has('idempotency-key')) given.set('idempotency-key', key)
  try {
    const sent = {
      method,
      url,
      headers: [...given],
      body,
      redirects,
      mostBytes,
      signal: AbortSignal.any([signal, late]),
    }
    const answer = await outbound.request(sent)
    line(`Status ${answer.status} after ${Math.round(performance.now() - began)} ms, ${answer.body.length} bytes.`)
    if (answer.url !== new URL(url).href) line(hide(`Answered by ${new URL(answer.url).origin} after redirects.`))
    showAnswer(answer, line)
    return { answer }
  } catch (error) {
    if (signal.aborted) throw error
    const message = late.aborted ? `There was no answer within ${asked.timeoutMs / 1000} s.` : hide(messageOf(error))
    line(message)
    const fault = error instanceof OutboundError ? error.fault : 'unreachable'
    return { failure: { why: reason('request_failed', { message }), passing: late.aborted || fault === 'unreachable' } }
  }
}

function withoutMarks(url: string): string {
  return url.replace(/\$\{[\w-]+:\w+\}/g, '***')
}

function showAnswer({ headers, body }: OutboundAnswer, line: Performing['line']): void {
  const type = headers['content-type']
  if (type) line(`Content-Type: ${type}`)
  if (body.length === 0) return
  const text = body.subarray(0, shownBytes).toString('utf8')
  if (/^(text\/|application\/(.*\+)?(json|xml|x-www-form-urlencoded))/.test(type ?? '')) line(text.trimEnd())
  if (body.length > shownBytes) line(`… ${body.length - shownBytes} bytes more`)
}

function judge({ line, secrets }: Performing, request: HttpRequest, { status, body }: OutboundAnswer): Performed {
  if (!isExpected(request, status)) {
    return { why: reason('http_status', { status: String(status), expected: expectedText(request) }) }
  }
  const outputs: Record<string, string> = { status: String(status) }
  const wanted = Object.entries(request.outputs)
  if (wanted.length === 0) return { outputs }
  let answer: JsonValue
  try {
    answer = JSON.parse(body.toString('utf8')) as JsonValue
  } catch {
    return { why: reason('request_failed', { message: 'The answer is no JSON, so outputs cannot be read from it.' }) }
  }
  for (const [name, path] of wanted) {
    const value = valueAt(answer, path)
    if (value === undefined) return { why: reason('output_missing', { name, path }) }
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    if (holdsSecret(text, secrets)) line(`The output ${JSON.stringify(name)} holds a secret; it was dropped.`)
    else outputs[name] = text
  }
  const size = Object.entries(outputs).reduce((sum, [name, value]) => sum + utf8Length(name) + utf8Length(value), 0)
  if (size > limits.outputsBytes) {
    const message = `The outputs are larger than ${limits.outputsBytes / 1024} KiB.`
    return { why: reason('request_failed', { message }) }
  }
  line(`Outputs: ${Object.keys(outputs).join(', ')}.`)
  return { outputs }
}

/** As answers may write them: as they are, in JSON, in URLs and in names of hosts, and in base64. The longest first. */
function spellings(secrets: readonly string[]): string[] {
  return secrets
    .filter((secret) => secret.length >= leastHidden)
    .flatMap((secret) => [
      secret,
      JSON.stringify(secret).slice(1, -1),
      encodeURIComponent(secret),
      secret.toLowerCase(),
      Buffer.from(secret).toString('base64').replace(/=+$/, ''),
      Buffer.from(secret).toString('base64url'),
    ])
    .sort((a, b) => b.length - a.length)
}

function holdsSecret(text: string, secrets: readonly string[]): boolean {
  return spellings(secrets).some((secret) => text.includes(secret))
}

function pauseMs(done: number, answer: OutboundAnswer | undefined): number {
  const asked = Number(answer?.headers['retry-after'])
  return Math.min(Number.isFinite(asked) && asked > 0 ? asked * 1000 : 1000 * 2 ** done, longestPauseMs)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
