import type { Identity } from '@ansflow/agent/data-folder'
import { AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { RunStatus } from '@ansflow/proto/status'
import type { System } from '../../setup/system.ts'
import { waitFor } from '../../setup/wait-for.ts'
import { Child } from '../child.ts'
import { pipelineFile, quiet } from '../context.ts'
import { measurement } from '../measurement.ts'
import { now } from '../now.ts'
import { memoryMb } from '../processes.ts'
import type { Dispatched } from '../simulated-agents/main.ts'
import { percentile } from '../statistics.ts'

/** 200 steps a second. */
const rows = 40
const stepMs = 200

export const agents = measurement({
  name: 'agents',
  what: '1,000 simulated agents (50 in short) in a process of their own: the agent’s real link, with jobs that are a timer. From the kill of the controller until all are connected to its next start; at 200 steps a second, from telling that a step has ended until the next is to start on some agent.',
  figures: {
    connected: { what: 'all connected after a restart', unit: 's', better: 'less', aim: { value: 15 } },
    p50: { what: 'dispatch at 200 steps/s, p50', unit: 'ms', better: 'less' },
    p99: { what: 'dispatch at 200 steps/s, p99', unit: 'ms', better: 'less', aim: { value: 100 } },
    rate: { what: 'of 200 steps/s', unit: 'steps/s', better: 'more' },
    memory: { what: 'memory of the controller per agent', unit: 'KB', better: 'less' },
  },
  async run(context) {
    // One address: what comes by a proxy is not counted as one host’s.
    await using system = await context.start({ slots: 0, env: { ANSFLOW_TRUSTED_PROXIES: '127.0.0.1' } })
    await using simulated = new Child('simulated-agents/main.ts')
    const identities = await register(system, context.agents)
    // Started anew, so that what the registrations have left is not counted as the agents’.
    await system.killController()
    await system.startController()
    await quiet(system)
    const without = memoryMb(system.controller?.pid)
    const timeoutMs = 120_000
    await simulated.ask('connect', { identities })
    await simulated.ask('connected', { since: 0, timeoutMs })
    await quiet(system)
    const memory = ((memoryMb(system.controller?.pid) - without) * 1024) / context.agents

    const killed = now()
    await system.killController()
    const [connected] = await Promise.all([
      simulated.ask<number>('connected', { since: killed, timeoutMs }),
      system.startController(),
    ])
    const dispatched = await dispatch(system, simulated, context.times(75, 5))
    return {
      connected: { value: connected / 1000 },
      p50: { value: percentile(dispatched.samples, 0.5) },
      p99: { value: percentile(dispatched.samples, 0.99) },
      rate: { value: dispatched.perSecond },
      memory: { value: Math.max(0, memory) },
    }
  },
})

/** Each by a token of its own; as by a proxy, from many addresses. */
async function register(system: System, count: number): Promise<Identity[]> {
  const url = `127.0.0.1:${system.grpcPort}`
  const identities: Identity[] = []
  const names = Array.from({ length: count }, (_, n) => `simulated-${n}`).values()
  const lane = async () => {
    for (const name of names) {
      const n = identities.length
      const { token } = await system.client(AgentService).createRegistrationToken({})
      const response = await fetch(`${system.url}/api/ansflow.agent.v1.AgentLinkService/Register`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': `10.1.${n >> 8}.${n & 255}` },
        body: JSON.stringify({ token, name, slots: 4, version: '0.1.0' }),
      })
      if (!response.ok) throw new Error(`Register: ${response.status} ${await response.text()}`)
      const { agentId, agentSecret } = (await response.json()) as { agentId: string; agentSecret: string }
      identities.push({ url, agentId, agentSecret, name })
    }
  }
  await Promise.all(Array.from({ length: 16 }, lane))
  return identities
}

/** Ten runs with four rows of so many steps each, any step on any agent. */
async function dispatch(system: System, simulated: Child, length: number): Promise<Dispatched> {
  const steps = Array.from({ length: 4 * length }, (_, n) => {
    const [row, place] = [n % 4, Math.floor(n / 4)]
    const needs = place > 0 ? [`r${row}-${place - 1}`] : []
    return [`r${row}-${place}`, { run: 'true', workspace: 'isolated', needs }]
  })
  const { pipelineId } = await system.pipeline(pipelineFile('rows', Object.fromEntries(steps)))
  await simulated.ask('pace', { stepMs })
  await Promise.all(Array.from({ length: rows / 4 }, () => system.start(pipelineId)))
  let bad = 0
  const over = async () => {
    const { runs } = await system.api.runs.listRuns({ pipelineId })
    bad = runs.filter(({ status }) => status === RunStatus.FAILED || status === RunStatus.LOST).length
    return runs.every(({ status }) => status === RunStatus.SUCCEEDED)
  }
  await waitFor(over, {
    what: 'the runs on simulated agents have succeeded',
    everyMs: 500,
    timeoutMs: 300_000,
    fatal: () => bad > 0,
  })
  const dispatched = await simulated.ask<Dispatched>('dispatched')
  const expected = rows * (length - 1)
  if (dispatched.samples.length !== expected)
    throw new Error(`${dispatched.samples.length} of ${expected} steps were dispatched.`)
  return dispatched
}
