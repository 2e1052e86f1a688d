import { BadgeService } from '@ansflow/proto/gen/ansflow/v1/badges_pb'
import { ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { commit, StatusWorld } from '../../../test/status-world.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { TestReportEntity } from '../reports/report.entity.ts'
import { drawBadge } from './draw-badge.ts'
import { textWidth } from './text-width.ts'

let w: StatusWorld
beforeAll(async () => {
  w = await StatusWorld.start(ForgeKind.GITEA)
}, 60_000)
afterAll(() => w[Symbol.asyncDispose]())

const badges = () => w.owner.client(BadgeService)
const get = async (path: string, headers: Record<string, string> = {}) => {
  const answer = await fetch(w.c.url + path, { headers })
  return { status: answer.status, headers: answer.headers, svg: await answer.text() }
}
const titleOf = async (path: string) => /<title>(.*)<\/title>/.exec((await get(path)).svg)?.[1]
const pathOf = async (pipelineId: string) => (await badges().getBadge({ pipelineId })).badge!.path
const ended = (runId: string) => waitFor(async () => (await w.runs.getRun({ runId })).run!.finishedAt !== undefined)

async function canceled(pipelineId: string, git: object): Promise<void> {
  const { run } = await w.runs.startRun({ pipelineId, git: { repositoryId: w.repositoryId, commit, ...git } })
  await w.runs.cancelRun({ runId: run!.id })
  await ended(run!.id)
}

test('says how the last run did, of a branch or of all, in both languages', async () => {
  const pipelineId = await w.keep('name: shop\nsteps:\n  one: { run: "true", when: "${{ false }}" }\n')
  const path = await pathOf(pipelineId)
  expect(await titleOf(`${path}/status.svg`)).toBe('pipeline: unknown')
  const { run } = await w.runs.startRun({ pipelineId, git: { repositoryId: w.repositoryId, commit, branch: 'main' } })
  await ended(run!.id)
  expect(await titleOf(`${path}/status.svg`)).toMatch(/^shop: (passed|skipped)$/)
  expect(await titleOf(`${path}/duration.svg?lang=zh-CN`)).toMatch(/^用时: \d+ 秒$/)
  const slow = await w.keep('name: slow\nsteps:\n  one: { run: "true" }\n')
  await canceled(slow, { branch: 'other' })
  await w.runs.startRun({ pipelineId: slow, git: { repositoryId: w.repositoryId, commit, branch: 'main' } })
  const other = await pathOf(slow)
  // What goes on counts only where nothing has ended yet, and of a pull request nothing does.
  expect(await titleOf(`${other}/status.svg?branch=other&lang=zh`)).toBe('slow: 已取消')
  expect(await titleOf(`${other}/status.svg?branch=main`)).toMatch(/^slow: (running|queued|waiting)$/)
  expect(await titleOf(`${other}/status.svg?branch=none&lang=zh`)).toBe('流水线: 未知')
  await canceled(slow, { branch: 'fast', pullRequest: 7 })
  expect(await titleOf(`${other}/status.svg?branch=fast`)).toBe('pipeline: unknown')
})

test('says how much the last run has covered that reported it', async () => {
  const pipelineId = await w.keep('name: covered\nsteps:\n  one: { run: "true" }\n')
  const path = await pathOf(pipelineId)
  await canceled(pipelineId, { branch: 'main' })
  const [run] = (await w.runs.listRuns({ pipelineId })).runs
  expect(await titleOf(`${path}/coverage.svg?branch=main`)).toBe('pipeline: unknown')
  const row = {
    ...{ jobId: run!.id, runId: run!.id, pipelineId, scope: 'b:main', baseScope: 'b:main', stepId: 'one', attempt: 1 },
    ...{ isReplaced: false, hasTests: false, failed: 0, flaky: 0, passed: 0, skipped: 0, leftOut: 0, durationMs: 0 },
    ...{ hasCoverage: true, lines: 1000, linesHit: 914, branches: 0, branchesHit: 0 },
  }
  await w.c.db.em().insert(TestReportEntity, row)
  // One after it that says nothing of it.
  await canceled(pipelineId, { branch: 'main' })
  expect(await titleOf(`${path}/coverage.svg?branch=main`)).toBe('coverage: 91.4 %')
  expect(await titleOf(`${path}/coverage.svg?branch=main&lang=zh-CN`)).toBe('覆盖率: 91.4 %')
  expect(await titleOf(`${path}/coverage.svg?branch=other`)).toBe('pipeline: unknown')
})

test('whoever has no right token learns nothing, and a renewed address ends the one before', async () => {
  const { pipelineId } = w
  await canceled(pipelineId, {})
  const path = await pathOf(pipelineId)
  expect(await titleOf(`${path}/status.svg`)).toBe('build: canceled')
  const [, , id] = path.split('/')
  const unknown = await get(`${path}/status.svg?branch=none`)
  for (const wrong of [
    `/badges/${id}/${'0'.repeat(32)}`,
    `/badges/${id}/x`,
    `/badges/${'0'.repeat(36)}/${path.split('/')[3]}`,
    '/badges/a/b',
  ]) {
    const answer = await get(`${wrong}/status.svg`)
    expect(answer).toMatchObject({ status: 200, svg: unknown.svg })
  }
  expect((await get(`${path}/other.svg`)).svg).toBe(unknown.svg)
  const { badge } = await badges().renewBadge({ pipelineId })
  expect(badge!.path).not.toBe(path)
  expect((await badges().getBadge({ pipelineId })).badge).toEqual(badge)
  expect(await titleOf(`${path}/status.svg`)).toBe('pipeline: unknown')
  expect(await titleOf(`${badge!.path}/status.svg`)).toBe('build: canceled')
})

test('may be kept for a minute and shown elsewhere, and is not sent again to whoever has it', async () => {
  const path = `${await pathOf(w.pipelineId)}/status.svg?label=a`
  const first = await get(path)
  expect(first.headers.get('content-type')).toBe('image/svg+xml; charset=utf-8')
  expect(first.headers.get('cache-control')).toBe('public, max-age=60')
  expect(first.headers.get('cross-origin-resource-policy')).toBe('cross-origin')
  const again = await get(path, { 'if-none-match': `"x", W/${first.headers.get('etag')}` })
  expect(again).toMatchObject({ status: 304, svg: '' })
  expect((await get(`${path}b`, { 'if-none-match': first.headers.get('etag')! })).status).toBe(200)
})

test('a label is text, whatever is in it', async () => {
  const path = await pathOf(w.pipelineId)
  const label = encodeURIComponent(`"><script>alert(1)</script>&'\u202e\n${'统'.repeat(100)}`)
  const { svg } = await get(`${path}/status.svg?label=${label}`)
  expect(svg).not.toContain('<script')
  expect(svg).toContain('&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;&#39; 统')
  expect(/<title>(.*)<\/title>/.exec(svg)![1]!.length).toBeLessThan(120)
})

test('words are as wide as they are drawn, Chinese ones too', () => {
  expect([textWidth(''), textWidth('build'), textWidth('构建'), textWidth('e\u0301')]).toEqual([0, 27, 22, 7])
  const svg = drawBadge('构建', 'ok', 'green')
  expect(svg).toContain(
    '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20" role="img" aria-label="构建: ok">',
  )
  expect(svg).toContain('textLength="22"')
})
