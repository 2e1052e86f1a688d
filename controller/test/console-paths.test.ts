// Which addresses are the console's, and what is said at those of nobody.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipelineJsonSchema } from '@ansflow/proto/json-schema'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startController, type TestController } from './start-controller.ts'

const html = '<!doctype html><title>console</title>'
const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
let folder: string
let c: TestController
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ansflow-test-'))
  writeFileSync(join(folder, 'index.html'), html)
  writeFileSync(join(folder, 'routes.json'), JSON.stringify(['/', '/runs', '/runs/:run', '/p/:project/runs']))
  c = await startController({ overrides: { consoleFolder: folder } })
})
afterAll(async () => {
  await c[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

async function ask(path: string, init: RequestInit = {}): Promise<{ status: number; type: string; body: string }> {
  const response = await fetch(c.url + path, init)
  const type = response.headers.get('content-type')?.split(';')[0] ?? ''
  return { status: response.status, type, body: await response.text() }
}

describe.each([{ headers: browser }, {}])('with %o', (init) => {
  test.each(['/', '/runs', '/runs/', '/Runs', '/runs/0191', '/runs/0191?step=a', '/p/shop/runs', '/p/%20/runs'])(
    '%s is a page',
    async (path) => expect(await ask(path, init)).toEqual({ status: 200, type: 'text/html', body: html }),
  )
})

const nobodys = ['/metrics', '/runs/a/b', '/p', '/p/shop', '/favicon.ico', '/.env', '/wp-login.php', '/assets/x.js']

test.each(nobodys)('%s is nothing: its status says so, to browsers on the console’s own page', async (path) => {
  expect(await ask(path, { headers: browser })).toEqual({ status: 404, type: 'text/html', body: html })
  expect(await ask(path, { method: 'HEAD' })).toMatchObject({ status: 404 })
  for (const method of ['GET', 'POST', 'OPTIONS']) {
    const answer = await ask(path, { method })
    expect(answer).toMatchObject({ status: 404, type: 'application/json' })
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'unimplemented' })
  }
})

test.each(['/api/x', '/api', '/download/x', '/healthz/x'])(
  '%s is JSON also to browsers, where it is of the API',
  async (path) => {
    const type = path.startsWith('/healthz') ? 'text/html' : 'application/json'
    expect(await ask(path, { headers: browser })).toMatchObject({ status: 404, type })
  },
)

test('the schema of pipeline files is read by anybody’s editor, again only when it has changed', async () => {
  const response = await fetch(`${c.url}/schema/pipeline.json`, { headers: { origin: 'https://editor.example' } })
  expect(response.headers.get('content-type')).toMatch('application/schema+json')
  expect(response.headers.get('access-control-allow-origin')).toBe('*')
  expect(await response.json()).toEqual(pipelineJsonSchema())
  const headers = { 'if-none-match': response.headers.get('etag') ?? '' }
  expect((await fetch(`${c.url}/schema/pipeline.json`, { headers })).status).toBe(304)
})

test('a page is only read', async () => {
  for (const method of ['POST', 'DELETE', 'OPTIONS']) {
    const response = await fetch(`${c.url}/runs`, { method })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  }
})
