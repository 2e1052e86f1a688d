// A real agent as a process of its own, which registers by a token of the owner's.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AgentService, AgentStatus } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import type { TestController } from './start-controller.ts'
import { waitFor } from './wait-for.ts'

export interface StartedAgent extends AsyncDisposable {
  id: string
}

/** Online when it resolves. `labels`: given, so they protect. */
export async function startAgent(c: TestController, name: string, labels: string[] = []): Promise<StartedAgent> {
  const folder = mkdtempSync(join(tmpdir(), 'ansflow-agent-'))
  const { organizationId } = c.owner
  const agents = c.as(c.owner).client(AgentService)
  const { token } = await agents.createRegistrationToken({ organizationId, labels })
  const program = join(import.meta.dirname, '../../agent/src/main.ts')
  const child: ChildProcess = spawn(process.execPath, [program, 'run', '--data', folder], {
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      ANSFLOW_AGENT_URL: c.grpcAddress,
      ANSFLOW_AGENT_TOKEN: token,
      ANSFLOW_AGENT_NAME: name,
    },
    stdio: 'ignore',
  })
  const { id } = await waitFor(async () => {
    const known = (await agents.listAgents({ organizationId })).agents
    return known.find((agent) => agent.name === name && agent.status === AgentStatus.ONLINE)
  }, 30_000)
  return {
    id,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) {
        child.kill('SIGTERM')
        await once(child, 'exit')
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
