// Webhooks: who may start runs with them, of what, once, and what those learn who may not.
import { createHmac } from 'node:crypto'
import { Role } from '@ansflow/proto/access'
import { unavailable } from '@ansflow/proto/errors'
import { AuditService } from '@ansflow/proto/gen/ansflow/v1/audit_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { DeliveryResult, WebhookService } from '@ansflow/proto/gen/ansflow/v1/webhooks_pb'
import { problemText } from '@ansflow/proto/problem-text'
import { afterEach, expect, test } from 'vitest'
import { startController, type TestController } from '../../../test/start-controller.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { type Bus, memoryBus } from '../../platform/bus.ts'
import { manualClock } from '../../platform/clock.ts'
import { createLog } from '../../platform/log.ts'
import { createRunDriver } from '../runs/index.ts'
import { startTaken } from './deliveries.ts'

let c: TestController
afterEach(() => c[Symbol.asyncDispose]())

const inputs = 'inputs: { ref: { type: string, default: none }, n: { type: number } }\n'
const done = 'steps: { a: { uses: wait, with: { until: "2020-01-01T00:00:00Z" } } }\n'

/** `held`: nothing is started but by what a test does itself. */
async function open(on: string, held = false) {
  const log = createLog('silent')
  const bus = memoryBus(log)
  const deaf: Bus = {
    ...bus,
    subscribe: (subject, receive) => (subject === 'hook.due' ? () => undefined : bus.subscribe(subject, receive)),
  }
  c = await startController({ overrides: held ? { bus: deaf, clock: manualClock(), log } : {} })
  const projectId = await c.addProject()
  const owner = c.as(c.owner)
  const publish = async (webhook: string) => {
    const yaml = `name: hooked\n${webhook ? `on: { webhook: ${webhook} }\n` : ''}${inputs}${done}`
    const pipelines = owner.client(PipelineService)
    const { pipeline, problems } = await pipelines.applyPipeline({ projectId, yaml, publish: true })
    expect(problems).toEqual([])
    return pipeline!.id
  }
  const pipelineId = await publish(on)
  const hooks = owner.client(WebhookService)
  const rotate = () => hooks.rotateWebhookSecret({ pipelineId })
  const deliveries = async () => (await hooks.listDeliveries({ pipelineId })).deliveries
  const runs = async () => (await owner.client(RunService).listRuns({ pipelineId })).runs
  return { projectId, pipelineId, publish, hooks, rotate, deliveries, runs }
}

async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const answer = await fetch(c.url + path, {
    method: 'POST',
    body: text,
    headers: { 'content-type': 'application/json', ...headers },
  })
  return { status: answer.status, text: await answer.text() }
}

const mapped =
  '{ filter: "body.ref.startsWith(\'refs/heads/\') && headers[\'x-kind\'] != \'ping\'", headers: [X-Kind], delivery: X-Delivery, inputs: { ref: "${{ body.ref }}", n: "${{ size(body.commits) }}" } }'
const push = { ref: 'refs/heads/main', commits: [1, 2, 3] }

test('what is posted starts a run with inputs of it, once for each delivery; what the filter does not take starts none', async () => {
  const w = await open(mapped)
  const { path, secret, webhook } = await w.rotate()
  expect(path).toBe(`/hooks/${webhook!.id}/${secret}`)
  const taken = await post(path, push, { 'x-delivery': 'one' })
  expect(taken.status).toBe(202)
  const { delivery } = JSON.parse(taken.text) as { delivery: string }
  const [run] = await waitFor(async () => {
    const all = await w.runs()
    return all.length > 0 ? all : undefined
  })
  expect(run).toMatchObject({ version: 1, inputs: { ref: 'refs/heads/main', n: 3 } })
  expect(run!.origin?.cause).toMatchObject({ case: 'webhook', value: { deliveryId: delivery, event: 'one' } })
  expect(await post(path, push, { 'x-delivery': 'one' })).toEqual({
    status: 200,
    text: JSON.stringify({ delivery, skipped: 'again' }),
  })
  expect((await post(path, { ...push, ref: 'refs/tags/1' })).status).toBe(200)
  expect((await post(path, push, { 'x-kind': 'ping' })).text).toContain('"filter"')
  const results = (await w.deliveries()).map(({ result }) => DeliveryResult[result])
  expect(results).toEqual(['FILTERED', 'FILTERED', 'STARTED'])
  expect(await w.runs()).toHaveLength(1)
  const [, , first] = await w.deliveries()
  expect(first).toMatchObject({ name: 'one', runId: run!.id, inputs: { ref: 'refs/heads/main', n: 3 } })
})

test('what fits nothing is refused, and the list says why without the body', async () => {
  const w = await open(mapped)
  const { path } = await w.rotate()
  expect((await post(path, 'hello')).text).toContain('The body is no JSON.')
  expect((await post(path, push, { 'content-type': 'text/plain' })).status).toBe(400)
  expect((await post(path, { ref: 'refs/heads/x' })).text).toContain('body.commits')
  expect((await post(path, '['.repeat(100_000))).status).toBe(400)
  expect((await post(path, { ...push, large: 'x'.repeat(300_000) })).status).toBe(413)
  const all = await w.deliveries()
  expect(all).toHaveLength(4)
  for (const each of all) expect(each).toMatchObject({ result: DeliveryResult.REFUSED, runId: '' })
  expect(all.map(({ problem }) => problem)).toContain('The content type must be application/json.')
  expect(JSON.stringify(await c.db.em().execute('select * from webhook_delivery'))).not.toContain('hello')
})

test('what does not fit the condition, the inputs or the pipeline is said in plain words, in both languages', async () => {
  const inputs = '{ ref: "${{ body.ref }}", n: "${{ body.n }}" }'
  const w = await open(`{ filter: "body.kind == 'push' && body.size > 1", inputs: ${inputs} }`)
  const { path } = await w.rotate()
  const kind = 'push'
  await post(path, { kind })
  await post(path, { kind, size: 'large' })
  await post(path, { kind, size: 2 })
  expect((await post(path, { kind, size: 2, ref: 'x', n: 'many' })).status).toBe(202)
  const all = await waitFor(async () => {
    const told = await w.deliveries()
    return told.every(({ result }) => result === DeliveryResult.REFUSED) ? told : undefined
  })
  expect(all.map(({ problem }) => problem)).toEqual([
    'What was posted does not fit the input n of the pipeline. It must be a number, not the text "many".',
    'The inputs of a run cannot be made of it: what stands under on, webhook, inputs does not fit what was posted. `body.ref` cannot be evaluated: body.ref has no value.',
    expect.stringMatching(
      /^Whether it starts a run cannot be said: .* > does not work on string, int; convert one side/,
    ),
    expect.stringMatching(/^Whether it starts a run cannot be said: .* body.size has no value\.$/),
  ])
  expect(all.map(({ problemInfo }) => problemText(problemInfo!, 'zh-CN'))).toEqual([
    '收到的内容与流水线的参数 n 不符。须为数字，而不是文本 "many"。',
    expect.stringMatching(/^无法由其得出运行的参数：.*没有值。$/),
    expect.stringMatching(/^无法判断是否启动运行：.*请转换其中一侧/),
    expect.stringMatching(/^无法判断是否启动运行：.*没有值。$/),
  ])
})

test('whoever does not know the secret learns nothing, and nothing is kept of it', async () => {
  const w = await open('true')
  const before = (await w.hooks.getWebhook({ pipelineId: w.pipelineId })).webhook!
  expect(before).toMatchObject({ active: true, path: `/hooks/${before.id}/` })
  expect(before.secret).toBe(undefined)
  const old = await w.rotate()
  const { path, secret } = await w.rotate()
  const stranger = await post('/hooks/00000000-0000-7000-8000-000000000000/x', push)
  expect(stranger.status).toBe(404)
  const noId = (text: string) => text.replace(/"requestId":"[^"]*"|"value":"[^"]*"/g, '')
  for (const wrong of [
    old.path,
    `${path}x`,
    `/hooks/%00/${secret}`,
    `/hooks/${before.id}/signed`,
    `/hooks/${before.id}/${secret.slice(1)}`,
  ]) {
    const { status, text } = await post(wrong, push)
    expect([status, noId(text)]).toEqual([404, noId(stranger.text)])
  }
  expect(await w.deliveries()).toEqual([])
  const stored = JSON.stringify(await c.db.em().execute('select * from webhook'))
  expect(stored).not.toContain(secret.slice(8))
  expect((await post(path, push)).status).toBe(202)

  await w.hooks.revokeWebhookSecret({ pipelineId: w.pipelineId })
  expect((await post(path, push)).status).toBe(404)
  const again = await w.rotate()
  expect((await post(again.path, push)).status).toBe(202)
  await w.publish('')
  expect((await post(again.path, push)).status).toBe(404)
  const { events } = await c.as(c.owner).client(AuditService).listAuditEvents({})
  const told = events.filter(({ resource }) => resource?.kind === 'webhook').map(({ action }) => action)
  const rotated = 'WebhookService/RotateWebhookSecret'
  expect(told.toReversed()).toEqual([rotated, rotated, 'WebhookService/RevokeWebhookSecret', rotated])
  expect(
    JSON.stringify(events, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
  ).not.toContain(secret.slice(8))
})

test('a signature stands for the secret where the file says so', async () => {
  const w = await open('{ signature: X-Hub-Signature-256, inputs: { ref: "${{ body.ref }}" } }')
  const { path, secret, webhook } = await w.rotate()
  expect(path).toBe(`/hooks/${webhook!.id}/signed`)
  const body = JSON.stringify(push)
  const sign = (text: string, key = secret) => createHmac('sha256', key).update(text).digest('hex')
  const send = (signature: string, text = body) => post(path, text, { 'x-hub-signature-256': signature })
  expect((await send(`sha256=${sign(body)}`)).status).toBe(202)
  expect((await send(sign(body).toUpperCase())).status).toBe(202)
  for (const wrong of ['', 'sha256=', sign(body, 'other'), sign(body).slice(1), sign(`${body} `)]) {
    expect((await send(wrong)).status).toBe(404)
  }
  expect((await post(`/hooks/${webhook!.id}/${secret}`, push)).status).toBe(404)
})

test('one address is not used for more than it may be', async () => {
  const w = await open('{ filter: "false" }')
  const { path } = await w.rotate()
  const statuses = new Set<number>()
  await waitFor(async () => {
    for (const { status } of await Promise.all(Array.from({ length: 8 }, () => post(path, push)))) statuses.add(status)
    return statuses.has(429)
  })
  expect([...statuses].sort()).toEqual([200, 429])
})

test('only the last fifty are kept', async () => {
  const w = await open('{ filter: "false" }')
  const { path } = await w.rotate()
  for (let n = 0; n < 56; n++) await post(path, push, { 'x-n': String(n) })
  await waitFor(async () => (await c.db.em().execute('select id from webhook_delivery')).length <= 51)
  expect(await w.deliveries()).toHaveLength(50)
})

test.each(['before', 'after'])(
  'a controller that goes down %s the run was begun loses and doubles nothing',
  async (when) => {
    const w = await open('true', true)
    const { path } = await w.rotate()
    expect((await post(path, push)).status).toBe(202)
    const { db, bus, clock } = c
    const log = createLog('silent')
    const { workers } = c.controller
    const driver = createRunDriver({ db, bus, clock, log })
    const dying: Pick<typeof driver, 'start'> = {
      async start(run) {
        if (when === 'after') await driver.start(run)
        throw unavailable('The controller went down.')
      },
    }
    await startTaken({ db, log, workers, driver: dying })
    expect(await w.runs()).toHaveLength(when === 'after' ? 1 : 0)
    const many = [1, 2, 3].map(() => createRunDriver({ db, bus, clock, log }))
    await Promise.all(many.map((each) => startTaken({ db, log, workers, driver: each })))
    expect(await w.runs()).toHaveLength(1)
    expect((await w.deliveries())[0]!.result).toBe(DeliveryResult.STARTED)
    for (const each of [driver, ...many]) await each.stop()
  },
)

test('two that bring the same delivery at once start one run', async () => {
  const w = await open(mapped)
  const { path } = await w.rotate()
  const all = await Promise.all(Array.from({ length: 6 }, () => post(path, push, { 'x-delivery': 'same' })))
  expect(all.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 202])
  await waitFor(async () => (await w.deliveries())[0]?.result === DeliveryResult.STARTED)
  expect(await w.runs()).toHaveLength(1)
})

test('who may not publish makes no secret; a pipeline without a webhook has none', async () => {
  const w = await open('')
  await expect(w.rotate()).rejects.toThrow('Publish a file with')
  expect((await w.hooks.getWebhook({ pipelineId: w.pipelineId })).webhook).toBe(undefined)
  const viewer = await c.addUser({ role: Role.VIEWER, projectId: w.projectId })
  const rotate = c.as(viewer).client(WebhookService).rotateWebhookSecret({ pipelineId: w.pipelineId })
  await expect(rotate).rejects.toThrow('permission')
})

test('`api: false` refuses tokens, and nobody else; drafts are tried out all the same', async () => {
  const w = await open('')
  const yaml = `name: hooked\non: { api: false }\n${inputs}${done}`
  await c.as(c.owner).client(PipelineService).applyPipeline({ projectId: w.projectId, yaml, publish: true })
  const runs = c.as(c.owner).client(RunService)
  await expect(runs.startRun({ pipelineId: w.pipelineId })).rejects.toThrow('api: false')
  await runs.startRun({ pipelineId: w.pipelineId, draft: true })
})
