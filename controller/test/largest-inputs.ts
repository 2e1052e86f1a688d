// What the event loop is measured under: for each door, the largest and worst that it takes from anyone.
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { Readable } from 'node:stream'
import { AgentLinkService } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { AuthService } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { LogService } from '@ansflow/proto/gen/ansflow/v1/logs_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import type { DescMethod } from '@bufbuild/protobuf'
import type { Target } from './measured-controller.ts'

/** Not the address of the others. */
const agent = new Agent({ localAddress: '127.0.0.2', keepAlive: true, maxSockets: 400 })

type Send = (target: Target) => Promise<unknown>

export async function post(
  { url }: Target,
  method: DescMethod,
  body: string | Uint8Array<ArrayBuffer>,
  token?: string,
): Promise<{ status: number; body: unknown }> {
  const sent = request(`${url}/api/${method.parent.typeName}/${method.name}`, {
    method: 'POST',
    agent,
    headers: {
      'content-type': typeof body === 'string' ? 'application/json' : 'application/proto',
      'content-length': Buffer.byteLength(body),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
  })
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  const text = await new Response(Readable.toWeb(response) as ReadableStream).text()
  return { status: response.statusCode ?? 0, body: text === '' ? undefined : JSON.parse(text) }
}

async function times(count: number, work: (n: number) => Promise<unknown>): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, n) => work(n).catch(() => undefined)))
}

const { login, getMe } = AuthService.method
const many = (bytes: number) => `{"email":[${'1,'.repeat(bytes / 2)}1]}`

/** Goes on sending for so long, as fast as it is taken. */
function pour({ url }: Target, method: DescMethod, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const post = request(`${url}/api/${method.parent.typeName}/${method.name}`, {
      method: 'POST',
      agent,
      headers: { 'content-type': 'application/json' },
    })
    const part = Buffer.from(`[${'"a",'.repeat(16_000)}`)
    const stop = setTimeout(() => post.destroy(), ms)
    const end = () => {
      clearTimeout(stop)
      resolve()
    }
    const more = () => {
      while (!post.destroyed && post.write(part)) {}
    }
    post.on('drain', more).on('error', end).on('close', end)
    more()
  })
}

export const anonymousInputs: Record<string, Send> = {
  'forty bodies of 3.4 MB': (t) => times(40, () => post(t, login, many(3_400_000))),
  'six bodies without an end': (t) => times(6, () => pour(t, getMe, 2000)),
  'registrations with tokens that nobody has': (t) =>
    times(1000, (n) => post(t, AgentLinkService.method.register, `{"token":"afr_${n}"}`)),
  passwords: (t) => times(300, (n) => post(t, login, `{"email":"${n}@example.org","password":"wrong password"}`)),
  'tokens that nobody has': (t) => times(1000, (n) => post(t, getMe, '{}', `af_${n}`)),
}

const call = (t: Target, method: DescMethod, body: object) => post(t, method, JSON.stringify(body), t.attacker.token)

export async function mustCall(t: Target, method: DescMethod, body: object): Promise<unknown> {
  const answer = await call(t, method, body)
  if (answer.status !== 200) throw new Error(`${method.name} is answered ${JSON.stringify(answer).slice(0, 1000)}`)
  return answer.body
}

export const yamlOf = (steps: number) =>
  `name: p\nsteps:\n${Array.from({ length: steps }, (_, n) => `  s${n}: { run: "true" }\n`).join('')}`

const deep = `${'('.repeat(1900)}true${')'.repeat(1900)}`
const { validatePipeline, applyPipeline, publishPipeline } = PipelineService.method

export const personInputs: Record<string, Send> = {
  'a file of 1 MiB to look at': (t) => call(t, validatePipeline, { yaml: yamlOf(10_000).padEnd(1024 * 1024 - 1, '#') }),
  'a file of nothing but problems': (t) =>
    call(t, validatePipeline, { yaml: `steps:\n${'  a: { needs: [b, c], run: 1, x: y }\n'.repeat(25_000)}` }),
  'expressions as deep as they may be': (t) =>
    call(t, validatePipeline, {
      yaml: `name: p\nsteps:\n${Array.from({ length: 200 }, (_, n) => `  s${n}: { run: x, when: "${deep}" }\n`).join('')}`,
    }),
  'a draft of 10,000 steps, made, changed and published': async (t) => {
    const yaml = yamlOf(10_000)
    const made = (await mustCall(t, applyPipeline, { projectId: t.projectId, yaml })) as { pipeline: { id: string } }
    const { id: pipelineId } = made.pipeline
    await mustCall(t, applyPipeline, { projectId: t.projectId, yaml: yaml.replace('"true"', '"false"') })
    await mustCall(t, publishPipeline, { pipelineId })
  },
  'a slow pattern in a log of 10 MB': async (t) => {
    const request = { runId: t.runId, stepId: 'one', query: '(a{1000}|b){1,900}', regex: true }
    await stream(t, LogService.method.searchLog, request)
  },
  'the most inputs that a run may be started with': async (t) => {
    const inputs = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`a${n}`, 1]))
    await call(t, RunService.method.startRun, { pipelineId: t.pipelineId, inputs })
    await call(t, RunService.method.startRun, { pipelineId: t.pipelineId, inputs: { a: Array(60_000).fill(1) } })
  },
  'a file of tiny texts in bytes': async (t) => {
    const tiny = Buffer.alloc(1.5 * 1024 * 1024 - 64)
    for (let at = 0; at < tiny.length; at += 2) tiny[at] = (validatePipeline.input.field.yaml.number << 3) | 2
    const { status } = await post(t, validatePipeline, tiny, t.attacker.token)
    if (status !== 429) throw new Error(`It was answered ${status}.`)
  },
  'requests as large as they may be': (t) =>
    times(40, () => call(t, ProjectService.method.createProject, { name: 'x'.repeat(64_000) })),
}

/** The first bytes of a stream's answer. */
async function stream({ url, attacker }: Target, method: DescMethod, message: object): Promise<void> {
  const body = Buffer.from(JSON.stringify(message))
  const head = Buffer.alloc(5)
  head.writeUInt32BE(body.length, 1)
  const response = await fetch(`${url}/api/${method.parent.typeName}/${method.name}`, {
    method: 'POST',
    body: new Uint8Array(Buffer.concat([head, body])),
    headers: { 'content-type': 'application/connect+json', authorization: `Bearer ${attacker.token}` },
  })
  await response.body?.getReader().read()
  await response.body?.cancel().catch(() => undefined)
}
