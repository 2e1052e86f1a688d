import { join } from 'node:path'
import { Role } from '@ansflow/proto/access'
import { LiveResponseSchema } from '@ansflow/proto/gen/ansflow/v1/live_pb'
import { StepStatus } from '@ansflow/proto/status'
import { fromJsonString } from '@bufbuild/protobuf'
import { join as joinOrganization } from '../../journeys/people.ts'
import type { System } from '../../setup/system.ts'
import { Child } from '../child.ts'
import { quiet } from '../context.ts'
import { makeGate } from '../gate.ts'
import type { Follow, Heard } from '../live-followers/main.ts'
import { measurement } from '../measurement.ts'
import { percentile } from '../statistics.ts'
import { readStamps, stampedChain } from './event.ts'

/** A person may have 200. */
const ofOnePerson = 190

export const sockets = measurement({
  name: 'sockets',
  what: '2,000 followers of one run on /live (100 in short), in a process of their own: from the moment at which a step’s process runs until each hears that it does; a step a second.',
  floor:
    'A bare WebSocket server in a process of its own that sends as many as large texts to as many, from sending to hearing.',
  figures: {
    p50: { what: 'p50 of all followers and steps', unit: 'ms', better: 'less' },
    p99: { what: 'p99', unit: 'ms', better: 'less', aim: { value: 100 } },
  },
  async run(context) {
    const system = await context.system()
    const count = context.sockets
    const people = Math.ceil(count / ofOnePerson)
    const headers = await Promise.all(Array.from({ length: people }, (_, n) => signedIn(system, n)))
    const gate = await makeGate(context.folder)
    const stamps = join(context.folder, 'socket-stamps')
    const [length, seconds] = [context.times(15, 5), context.times(1, 0.2)]
    const { pipelineId } = await system.pipeline(stampedChain('sockets', gate.script, stamps, length, seconds))
    const runId = await system.start(pipelineId)
    await gate.reached()
    await using followers = new Child('live-followers/main.ts')
    const request = JSON.stringify({ subscribe: { topic: `run/${runId}` } })
    const url = `${system.url.replace('http', 'ws')}/live`
    await followers.ask('follow', { url, count, headers, request } satisfies Follow)
    await quiet(system)
    await gate.open()
    const heard = await followers.ask<Heard>('heard', { last: 'RUN_STATUS_SUCCEEDED' })
    const ran = await readStamps(stamps)
    const samples: number[] = []
    const seen = new Set<string>()
    let bytes = 0
    for (const [text, times] of heard.toSorted(([, [a = 0]], [, [b = 0]]) => a - b)) {
      const { kind } = fromJsonString(LiveResponseSchema, Buffer.from(text, 'latin1').toString())
      if (kind.case !== 'run') continue
      bytes = text.length
      for (const { id, status } of kind.value.steps) {
        const at = ran.get(id)
        if (status !== StepStatus.RUNNING || at === undefined || seen.has(id)) continue
        seen.add(id)
        if (times.length !== count) throw new Error(`${times.length} of ${count} followers heard that ${id} runs.`)
        samples.push(...times.map((time) => time - at))
      }
    }
    if (seen.size !== ran.size)
      throw new Error(`Of ${ran.size} steps the followers heard of ${seen.size} that they run.`)
    const floors = await bare(count, { count: length, bytes, everyMs: seconds * 1000 })
    return {
      p50: { value: percentile(samples, 0.5), floor: percentile(floors, 0.5) },
      p99: { value: percentile(samples, 0.99), floor: percentile(floors, 0.99) },
    }
  },
})

/** What a browser of this person's sends along. */
async function signedIn(system: System, n: number): Promise<Record<string, string>> {
  const person = { name: `Follower ${n}`, email: `follower-${n}@example.test`, password: `follower number ${n}` }
  // Known from an earlier round.
  await joinOrganization(system, person, Role.VIEWER).catch(() => undefined)
  const response = await fetch(`${system.url}/api/ansflow.v1.AuthService/Login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: system.url },
    body: JSON.stringify({ email: person.email, password: person.password }),
  })
  const [cookie = ''] = response.headers.getSetCookie().map((text) => text.split(';')[0] ?? '')
  if (!cookie) throw new Error(`${person.email} could not sign in: ${response.status} ${await response.text()}`)
  return { cookie, origin: system.url }
}

async function bare(count: number, texts: { count: number; bytes: number; everyMs: number }): Promise<number[]> {
  await using server = new Child('live-followers/broadcast.ts')
  await using followers = new Child('live-followers/main.ts')
  const url = `ws://127.0.0.1:${await server.ask('port')}/`
  await followers.ask('follow', { url, count, headers: [{}] } satisfies Follow)
  await server.ask('broadcast', texts)
  const heard = await followers.ask<Heard>('heard', { last: '"is":"last"' })
  return heard.flatMap(([text, times]) => times.map((time) => time - (JSON.parse(text) as { at: number }).at))
}
