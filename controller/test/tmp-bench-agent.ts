import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { registerFakeAgent } from '../src/features/agents/test/fake-agent.ts'
import { LogService } from '@ansflow/proto/gen/ansflow/v1/logs_pb'
import { createClient } from '@connectrpc/connect'
import { createConnectTransport } from '@connectrpc/connect-node'
const child = fork(new URL('./tmp-bench-controller.ts', import.meta.url))
const next = () => new Promise<any>((r) => child.once('message', r))
const info = await next()
const rss = async () => { child.send('rss'); const a = await next(); return `${(a.rss/1e6).toFixed(0)} max ${(a.max/1e6).toFixed(0)} MB` }
console.log('start rss', (info.rss/1e6).toFixed(0))
const agent = await registerFakeAgent(info.grpc, info.token)
const control = agent.control(); await control.hello()
const { job } = await control.take()
const oneLine = process.argv[2] === 'oneline'
const size = Number(process.argv[3] ?? 100) * 1e6
const logs = agent.logs()
const hash = createHash('sha256')
let sent = 0, acked = 0, n = 0
const t0 = performance.now()
const window = 4 * 1024 * 1024
while (sent < size) {
  let data: Buffer
  if (oneLine) data = Buffer.alloc(65536, 'abcdefghij'.repeat(10))
  else { let s = ''; while (s.length < 65000) s += `2026-11-23T10:00:00.${n % 1000} INFO [worker-${n % 7}] compiling module number ${n++} of the build took ${(n * 7919) % 1000} ms\n`; data = Buffer.from(s) }
  hash.update(data)
  const lines = data.filter((b) => b === 10).length
  logs.send({ job, offset: BigInt(sent), data, lineMs: Array.from({ length: lines }, (_, i) => i) })
  sent += data.length
  if (sent - acked > window) acked = Number((await logs.answer((a) => sent - Number(a.stored) < window / 2)).stored)
  logs.answers.splice(0, Math.max(0, logs.answers.length - 5))
}
logs.send({ job, offset: BigInt(sent), finalSize: BigInt(sent), finalSha256: hash.digest() })
await logs.answer((a) => a.complete)
const s = (performance.now() - t0) / 1000
console.log(`${(sent/1e6).toFixed(0)} MB in ${s.toFixed(2)} s = ${(sent/1e6/s).toFixed(0)} MB/s; controller rss ${await rss()}`)
let t = performance.now()
const res = await fetch(`${info.url}/download/runs/${info.runId}/steps/a/log`, { headers: { authorization: `Bearer ${info.api}` } })
let got = 0; const h2 = createHash('sha256')
for await (const part of res.body!) { got += part.length; h2.update(part) }
console.log('download', got === sent, ((performance.now()-t)/1000).toFixed(2), 's rss', await rss())
const client = createClient(LogService, createConnectTransport({ baseUrl: `${info.url}/api`, httpVersion: '1.1', interceptors: [(nx) => (r) => { r.header.set('authorization', `Bearer ${info.api}`); return nx(r) }] }))
for (const q of [{ query: 'number 777777 ' }, { query: 'TOOK 9999', matchCase: false }, { query: 'took \\d{4,} ms', regex: true }]) {
  t = performance.now(); let hits = 0
  for await (const r of client.searchLog({ runId: info.runId, stepId: 'a', ...q })) hits += r.hits.length
  console.log('search', q.query, hits, ((performance.now()-t)/1000).toFixed(2), 's rss', await rss())
}
for (const firstLine of [1, 500000, -100]) {
  t = performance.now(); const r = await client.readLines({ runId: info.runId, stepId: 'a', firstLine, maxLines: 500 })
  console.log('lines', firstLine, r.lines.length, r.totalLines, r.lines[0]?.text.slice(0, 60), (performance.now()-t).toFixed(1), 'ms')
}
console.log('rss', await rss())
control.say({ case: 'finished', value: { job, outcome: 1 } }); await control.hear('finishedAck')
agent.close(); child.send('stop'); await new Promise((r) => child.once('exit', r)); process.exit(0)
